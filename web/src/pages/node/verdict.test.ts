import { describe, expect, test } from 'vitest';
import type { Finding, NodeLoaded } from '../../data/host';
import { bySeverity, standing, telling } from './verdict';

const node = (wanted: string, written: string | null, loaded: string | null, same = false) => {
  const text = (t: string | null) => (t === null ? { text: '', missing: 'it is away' } : { text: t });
  return { same, wanted: text(wanted), written: text(written), loaded: text(loaded) } as NodeLoaded;
};

describe('how the three stand', () => {
  test.each([
    [node('a', 'a', 'a', true), 'same', 'loaded'],
    [node('a', 'b', 'a'), 'file', 'written'],
    [node('a', 'a', 'b'), 'running', 'loaded'],
    [node('a', 'b', 'b'), 'edited', 'loaded'],
    [node('a', 'b', 'c'), 'all', 'loaded'],
    [node('a', 'a', 'a'), 'hidden', 'loaded'],
    [node('a', 'b', null), 'unknown', 'written'],
    [node('a', null, 'a'), 'unknown', 'loaded'],
  ])('%#: %o', (l, stands, side) => {
    expect(standing(l)).toBe(stands);
    expect(telling(l)).toBe(side);
  });
});

test('the worst findings come first, and the order of the checks stays', () => {
  const finding = (level: Finding['level'], check: string) => ({ level, check, found: '' });
  const groups = bySeverity([finding('ok', 'a'), finding('failure', 'b'), finding('ok', 'c'), finding('failure', 'd')]);
  expect(groups.map((g) => [g.level, g.findings.map((f) => f.check).join('')])).toEqual([
    ['failure', 'bd'],
    ['ok', 'ac'],
  ]);
});
