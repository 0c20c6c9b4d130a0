import { expect, test } from 'vitest';
import { guard, unguard } from './guard';

test.each([
  ['=1+1', "'=1+1"],
  ['+49 30', "'+49 30"],
  ['-', "'-"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t'=1"],
  ['\r=1', "'\r'=1"],
  ["'=1", "''=1"],
  [' =1', "' =1"],
  ['a;=1', "a;'=1"],
  ['a\n=1', "a\n'=1"],
  ['＝1', "'＝1"],
  ['plain', 'plain'],
  ["it's", "it's"],
  ["'quoted'", "'quoted'"],
])('%j becomes %j', (cell, want) => {
  expect(guard(cell)).toBe(want);
  expect(unguard(want)).toBe(cell);
});

/** The same texts every time. */
function* texts(n: number) {
  const letters = [
    '=',
    '+',
    '-',
    '@',
    "'",
    "'",
    ';',
    '|',
    ',',
    '"',
    '\t',
    '\r',
    '\n',
    ' ',
    'a',
    '中',
    '＝',
    '\u202E',
    '\0',
    '\ufeff',
  ];
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  for (let i = 0; i < n; i++) yield Array.from({ length: next(9) }, () => letters[next(letters.length)]).join('');
}

test('no guarded cell begins like a formula, and each is taken back as it was', () => {
  for (const text of texts(4_000)) {
    const cell = guard(text);
    for (const part of cell.split(/[;|\t\r\n]/))
      expect(part.trimStart(), JSON.stringify(text)).not.toMatch(/^[=+\-@＝＋－＠]/);
    expect(cell).not.toMatch(/^[\t\r\n]/);
    expect(unguard(cell), JSON.stringify(text)).toBe(text);
  }
});
