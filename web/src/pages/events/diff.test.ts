import { expect, test } from 'vitest';
import { diff } from './diff';
import { yamlOf } from './yaml';

const signs = { same: ' ', added: '+', removed: '-', hunk: '⋯' };
const text = (before: string, after: string) =>
  diff(before.split(' '), after.split(' '))
    .map((l) => (l.kind === 'hunk' ? '⋯' : signs[l.kind] + l.text))
    .join(' ');

test('a line that changed', () => {
  expect(text('a b c', 'a x c')).toBe(' a -b +x  c');
});

test('lines in between stay', () => {
  expect(text('a b c d', 'b c x d e')).toBe('-a  b  c +x  d +e');
});

test('long stretches of the same are left out', () => {
  expect(text('1 2 3 4 5 6 7 8 9', '1 2 3 4 5 6 7 8 x')).toBe('⋯  6  7  8 -9 +x');
});

test('nothing before, nothing after', () => {
  expect(diff([], ['a']).map((l) => l.kind)).toEqual(['added']);
  expect(diff(['a'], []).map((l) => l.kind)).toEqual(['removed']);
  expect(diff([], [])).toEqual([]);
});

test('what is too long is still shown whole', () => {
  const many = Array.from({ length: 2500 }, (_, i) => `a${i}`);
  expect(
    diff(
      many,
      many.map((l) => `${l}x`),
    ),
  ).toHaveLength(5000);
});

test('a record as lines', () => {
  expect(
    yamlOf({
      id: 3,
      name: 'web',
      remark: '',
      labels: { env: '生产', 'a: b': 'c: d' },
      tags: [],
      base_config: 'global:\n  scrape_interval: 1s\n',
      list: [{ a: 1, b: [true, null] }, 'x'],
    }),
  ).toEqual([
    'id: 3',
    'name: web',
    'remark: ""',
    'labels:',
    '  env: 生产',
    '  "a: b": "c: d"',
    'tags: []',
    'base_config: |',
    '  global:',
    '    scrape_interval: 1s',
    'list:',
    '  - a: 1',
    '    b:',
    '      - true',
    '      - null',
    '  - x',
  ]);
  expect(yamlOf(undefined)).toEqual([]);
});
