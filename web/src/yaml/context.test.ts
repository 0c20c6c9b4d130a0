import { expect, test } from 'vitest';
import { contextAt, fieldAt } from './context';

/** The context where | is. */
function at(text: string) {
  const lines = text.split('\n');
  const line = lines.findIndex((l) => l.includes('|'));
  const column = lines[line]?.indexOf('|') ?? -1;
  return contextAt(
    lines.map((l) => l.replace('|', '')),
    line,
    column,
  );
}

test('a field of the scrape_config itself', () => {
  expect(at('scrape_interval: 5s\nscr|\nscheme: http')).toEqual({
    path: [],
    element: false,
    typed: 'scr',
    start: 0,
    siblings: ['scrape_interval', 'scheme'],
  });
  expect(at('|')).toMatchObject({ path: [], typed: '' });
});

test('a field of a field, on a line of its own', () => {
  expect(at('tls_config:\n  ca_file: x\n  |\nscheme: http')).toMatchObject({
    path: ['tls_config'],
    typed: '',
    start: 2,
    siblings: ['ca_file'],
  });
  // By its column the line belongs to the scrape_config again.
  expect(at('tls_config:\n  ca_file: x\n|')).toMatchObject({ path: [], siblings: ['tls_config'] });
});

test('a field of an element of a list', () => {
  const rules = 'relabel_configs:\n  - source_labels: [a]\n    action: keep\n';
  expect(at(`${rules}  - |`)).toMatchObject({ path: ['relabel_configs', 0], element: true, start: 4, siblings: [] });
  expect(at(`${rules}    re|\n  - action: drop`)).toMatchObject({
    path: ['relabel_configs', 0],
    typed: 're',
    siblings: ['action', 'source_labels'],
  });
  // The list may stand in the column of its key.
  expect(at('relabel_configs:\n- action: keep\n- reg|')).toMatchObject({ path: ['relabel_configs', 0], typed: 'reg' });
  expect(at('relabel_configs:\n- action: keep\n|')).toMatchObject({ path: [], siblings: ['relabel_configs'] });
});

test('deep below a discovery', () => {
  const text = 'consul_sd_configs:\n  - server: a\n    # a comment\n\n    tls_config:\n      ins|';
  expect(at(text)).toMatchObject({ path: ['consul_sd_configs', 0, 'tls_config'], typed: 'ins', start: 6 });
  expect(at('static_configs:\n  - labels:\n      x: y\n    tar|')).toMatchObject({
    path: ['static_configs', 0],
    siblings: ['labels'],
  });
});

test('the value of a field', () => {
  expect(at('scheme: ht|')).toMatchObject({ path: [], key: 'scheme', typed: 'ht', start: 8 });
  expect(at('relabel_configs:\n  - action: |')).toMatchObject({
    path: ['relabel_configs', 0],
    key: 'action',
    typed: '',
  });
  expect(at('scrape_protocols: [PrometheusProto, Pro|')).toMatchObject({ key: 'scrape_protocols', typed: 'Pro' });
  expect(at('scrape_protocols:\n  - Pro|')).toMatchObject({
    path: ['scrape_protocols', 0],
    element: true,
    typed: 'Pro',
  });
});

test('nothing is offered within a comment or a text', () => {
  expect(at('scheme: http # sch|')).toBeUndefined();
  expect(at('metrics_path: "/a b|')).toBeUndefined();
});

test('the field that a line is about', () => {
  const lines = 'relabel_configs:\n  - action: keep\n    regex: a'.split('\n');
  expect(fieldAt(lines, 0, 3)).toEqual(['relabel_configs']);
  expect(fieldAt(lines, 1, 6)).toEqual(['relabel_configs', 0, 'action']);
  expect(fieldAt(lines, 2, 12)).toEqual(['relabel_configs', 0, 'regex']);
  expect(fieldAt(['# scheme: http'], 0, 4)).toBeUndefined();
});
