import { beforeAll, expect, test } from 'vitest';
import { speak } from '../locales/testing';
import { fields } from './fields.fixture';
import { placeOf, rangeOf, splitPath } from './place';
import { hasComments, readYaml, toJson } from './read';
import { canonical, readJson, writeYaml } from './write';

beforeAll(() => speak('en'));

function json(text: string): string {
  const { doc, faults } = readYaml(text);
  expect(faults).toEqual([]);
  const done = toJson(doc, fields);
  return 'json' in done ? done.json : done.fault.message;
}

test('words and numbers are what their field says', () => {
  expect(json('honor_labels: yes')).toBe('{"honor_labels":true}');
  expect(json('honor_labels: "yes"')).toBe('{"honor_labels":"yes"}'); // Prometheus refuses it, as it should
  expect(json('static_configs: [{labels: {a: yes, b: no, c: 0123, d: 1.50, e: ~}}]')).toBe(
    '{"static_configs":[{"labels":{"a":"yes","b":"no","c":"0123","d":"1.50","e":null}}]}',
  );
  expect(json('relabel_configs: [{regex: 017, replacement: $1, modulus: 017}]')).toBe(
    '{"relabel_configs":[{"regex":"017","replacement":"$1","modulus":15}]}',
  );
  expect(json('consul_sd_configs: [{claims: {a: on, b: 1_000, c: 1.2.3, d: .5}}]')).toBe(
    '{"consul_sd_configs":[{"claims":{"a":true,"b":1000,"c":"1.2.3","d":0.5}}]}',
  );
  expect(json('unknown: true')).toBe('{"unknown":true}');
});

test('numbers keep all their digits', () => {
  expect(json('sample_limit: 18446744073709551615')).toBe('{"sample_limit":18446744073709551615}');
  const text = '{"sample_limit":18446744073709551615,"metrics_path":"12345678901234567890"}';
  expect(json(writeYaml(readJson(text)))).toBe(
    '{"metrics_path":"12345678901234567890","sample_limit":18446744073709551615}',
  );
});

test('one configuration has one spelling, whatever its order', () => {
  expect(canonical('{"b":[1,{"d":2,"c":18446744073709551615}],"a":"x"}')).toBe(
    canonical('{ "a": "x", "b": [1, {"c":18446744073709551615, "d":2}] }'),
  );
  expect(canonical('{"a":[1,2]}')).not.toBe(canonical('{"a":[2,1]}'));
  expect(canonical('{"a":1}')).not.toBe(canonical('{"a":"1"}'));
});

test('nothing is an empty mapping, anything else no scrape_config', () => {
  expect(json('')).toBe('{}');
  expect(json('# only words')).toBe('{}');
  expect(json('{}')).toBe('{}');
  expect(json('- a')).toBe('not a mapping of fields');
});

test('anchors, aliases and merge keys are written out', () => {
  const text =
    'tls_config: &t\n  ca_file: a\nconsul_sd_configs:\n  - tls_config:\n      <<: *t\n      ca_file: b\n  - tls_config: *t\n';
  expect(JSON.parse(json(text))).toEqual({
    tls_config: { ca_file: 'a' },
    consul_sd_configs: [{ tls_config: { ca_file: 'b' } }, { tls_config: { ca_file: 'a' } }],
  });
  expect(
    json(
      'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]',
    ),
  ).toContain('too large');
});

test('what is written is what was read', () => {
  const config = {
    scheme: 'https',
    honor_labels: true,
    params: {
      'match[]': ['{job="a"}', 'yes', '0123', '1e3', '12:30:45', '~', '', ' x ', '# no comment', 'a: b', '- a'],
    },
    relabel_configs: [
      {
        source_labels: ['__address__', '名字'],
        regex: '([^:]+)(?::\\d+)?',
        replacement: '$1:$$',
        action: 'replace',
      },
      { regex: 'a\nb\n', replacement: 'it\'s "quoted"' },
    ],
    static_configs: [
      { targets: ['a:1'], labels: { on: 'off', n: 'y', 日本: '開発 🚀', v: '1.0', t: '\t', u: '\u202e' } },
    ],
    tls_config: { insecure_skip_verify: false },
    basic_auth: { username: 'u', password: '<secret>' },
  };
  const yaml = writeYaml(config);
  expect(JSON.parse(json(yaml))).toEqual(config);
  expect(yaml).toContain('password: <secret>');
  expect(yaml.indexOf('scheme:')).toBeLessThan(yaml.indexOf('relabel_configs:'));
  expect(writeYaml(JSON.parse(json(yaml)))).toBe(yaml);
  expect(writeYaml({})).toBe('');
});

test('a broken text is told of where it breaks', () => {
  const text = 'scheme: http\nrelabel_configs:\n  - action: "keep\n';
  const { faults } = readYaml(text);
  expect(faults.length).toBeGreaterThan(0);
  expect(text.slice(0, faults[0]?.from).split('\n').length).toBeGreaterThanOrEqual(3);
  expect(readYaml('a: 1\na: 2').faults[0]).toMatchObject({ from: 5 });
  expect(readYaml('a: 1\n---\nb: 2').faults).not.toEqual([]);
});

test('what is broken is told of in the language of the page', async () => {
  await speak('zh');
  expect(json('- a')).toBe('不是由字段组成的映射');
  expect(readYaml('a: 1\na: 2').faults[0]?.message).toMatch(/^字段重复：/);
  expect(readYaml('a: *b').faults[0]?.message ?? '').not.toContain('yaml.');
  await speak('en');
  expect(readYaml('a: 1\na: 2').faults[0]?.message).toBe('Map keys must be unique');
});

test('paths of the server', () => {
  expect(splitPath('relabel_configs[0].regex')).toEqual(['relabel_configs', 0, 'regex']);
  expect(splitPath('params["match[]"][1]')).toEqual(['params', 'match[]', 1]);
  expect(splitPath('static_configs[0].labels["a\\"b.c"]')).toEqual(['static_configs', 0, 'labels', 'a"b.c']);
  expect(splitPath('')).toEqual([]);
});

test('a fault of the server is marked at its value, or at its key', () => {
  const text =
    'scheme: http\nscrape_interval: 5s\nscrape_timeout: 9s\nrelabel_configs:\n  - action: keep\n  - regex: "("\n    action: keep\nnonsense: 1\ntls_config:\n  ca_file: a\n  ca: b\n';
  const { doc } = readYaml(text);
  const marked = (location: string, message = 'no good') => {
    const { from, to } = placeOf(doc, text, location, message);
    return `${text.slice(0, from).split('\n').length}: ${text.slice(from, to)}`;
  };
  expect(marked('body.scrape_config.relabel_configs[1].regex')).toBe('6: "("');
  expect(marked('body.scrape_config.relabel_configs[1]')).toBe('6: regex: "("');
  expect(marked('body.scrape_config.nonsense', 'field nonsense not found in type config.plain')).toBe('8: nonsense');
  expect(marked('body.scrape_config.tls_config')).toBe('9: tls_config');
  expect(marked('body.scrape_config.tls_config.cert_file')).toBe('9: tls_config');
  // Prometheus names a line of a file that is not this one.
  expect(marked('body.scrape_config', 'line 4: scrape timeout greater than scrape interval')).toBe('3: 9s');
  expect(marked('body.scrape_config', 'nothing that is known')).toBe('1: scheme: http');
});

test('comments are seen, since they are lost', () => {
  const comments = (text: string) => hasComments(readYaml(text).doc);
  expect(comments('a: 1 # why')).toBe(true);
  expect(comments('# why\na: 1')).toBe(true);
  expect(comments('a: "x # y"')).toBe(false);
  expect(comments('a: x#y')).toBe(false);
  expect(comments('a:\n  - b: 1\n    # last')).toBe(true);
});

test('a path leads to the whole of what it names', () => {
  const text =
    'scrape_interval: 1s\nrelabel_configs:\n  - action: keep\n    regex: a\n  - action: drop\n    regex: b\n';
  const at = (path: string) => {
    const found = rangeOf(readYaml(text).doc, path);
    return found && text.slice(...found).trim();
  };
  expect(at('relabel_configs[1]')).toBe('action: drop\n    regex: b');
  expect(at('relabel_configs[0].regex')).toBe('a');
  expect(at('relabel_configs[7]')).toContain('action: keep');
});
