import { expect, test } from 'vitest';
import type { RenderedConfig } from '../../api/client';
import { bytes, changedFiles } from './files';

const config = (...files: [string, string, number][]): RenderedConfig => ({
  revision: 1,
  prometheus_yml: '',
  files: files.map(([path, hash, targets]) => ({ path, hash, targets, size: 1 })),
});

test('what differs between two revisions', () => {
  const before = config(['a/1.json', 'x', 3], ['b/1.json', 'x', 1], ['c/1.json', 'x', 2]);
  const after = config(['a/1.json', 'x', 3], ['b/1.json', 'y', 4], ['d/1.json', 'z', 5]);
  expect(changedFiles(before, after)).toEqual([
    { path: 'b/1.json', change: 'edited', before: 1, after: 4 },
    { path: 'c/1.json', change: 'removed', before: 2, after: 0 },
    { path: 'd/1.json', change: 'added', before: 0, after: 5 },
  ]);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
])('%d bytes', (n, want) => {
  expect(bytes(n)).toBe(want);
});
