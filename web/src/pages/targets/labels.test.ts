import { expect, test } from 'vitest';
import { readLabels, readTags, writeLabels, writeTags } from './labels';

test.each([
  ['', {}],
  ['zone=b', { zone: 'b' }],
  ['zone="b", rack="a 1"', { zone: 'b', rack: 'a 1' }],
  ['{zone="b",rack="1"}', { zone: 'b', rack: '1' }],
  ['zone=b rack=1;env=开发', { zone: 'b', rack: '1', env: '开发' }],
  ['zone = "b"', { zone: 'b' }],
  ['城市=北京，env=开发', { 城市: '北京', env: '开发' }],
  ['__param_module=http_2xx', { __param_module: 'http_2xx' }],
  ['url=http://x/?a=b', { url: 'http://x/?a=b' }],
  ['q="say \\"hi\\""', { q: 'say "hi"' }],
  ['"with space"="v"', { 'with space': 'v' }],
  ['e=', { e: '' }],
])('%s', (text, want) => {
  expect(readLabels(text)).toEqual({ labels: want, errors: [] });
});

test.each([
  ['zone', 'pair', 'zone'],
  ['=b', 'pair', '='],
  ['a=1 zone b=2', 'pair', 'zone'],
  ['zone="b', 'quote', 'zone="b'],
  ['a=1 a=2', 'twice', 'a'],
])('%s is marked', (text, kind, marked) => {
  expect(readLabels(text).errors[0]).toMatchObject({ kind, text: marked });
});

test('what is written is read back', () => {
  const hostile = [
    '',
    'a',
    'a b',
    '"',
    '\\',
    '\n\t',
    ',;=',
    '{}',
    '<img src=x onerror=alert(1)>',
    '\u202E',
    '北京',
    '__proto__',
  ];
  for (const name of hostile.filter((n) => n !== ''))
    for (const value of hostile) {
      const labels = Object.fromEntries([
        [name, value],
        ['z', 'end'],
      ]);
      const text = writeLabels(labels);
      const read = readLabels(text);
      expect(read.errors, text).toEqual([]);
      expect(Object.entries(read.labels), text).toEqual(Object.entries(labels));
    }
});

test('tags', () => {
  expect(readTags(' 线上, 开发，a b ')).toEqual(['开发，a b', '线上']);
  expect(readTags('线上、开发；a b')).toEqual(['a b', '开发', '线上']);
  expect(readTags('')).toEqual([]);
  for (const tags of [[], ['a'], ['a;b'], ['a;b', 'c'], ['a、b']]) expect(readTags(writeTags(tags))).toEqual(tags);
});
