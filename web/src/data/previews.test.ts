import { expect, test } from 'vitest';
import type { NodePreview, Preview } from '../api/client';
import { merged, previewEach } from './previews';

const file = (path: string) => ({ path, action: 'update' as const, diff: `+${path}`, truncated: false });
const of = (node: string, path: string, rest: Partial<NodePreview> = {}): NodePreview => ({
  node,
  hostname: node,
  files: [file(path)],
  more_files: 0,
  added: [],
  removed: [],
  targets_added: 0,
  targets_removed: 0,
  targets_changed: 0,
  reload: false,
  ...rest,
});

test('several previews are one: the files and targets of a node add up', () => {
  const got = merged([
    { nodes: [of('a', 'x', { targets_removed: 2, removed: ['1', '2'] })], more: 1 },
    { nodes: [of('b', 'y'), of('a', 'z', { targets_removed: 1, removed: ['3'], reload: true })], more: 0 },
  ]);
  expect(got.more).toBe(1);
  expect(got.nodes?.map((n) => [n.node, n.targets_removed, n.removed, n.reload, n.files?.map((f) => f.path)])).toEqual([
    ['a', 3, ['1', '2', '3'], true, ['x', 'z']],
    ['b', 0, [], false, ['y']],
  ]);
  expect(merged([])).toEqual({ nodes: [], more: 0 });
});

test('of many writes the first are looked at, and the others are counted', async () => {
  const looked: number[] = [];
  const look = async (id: number): Promise<Preview> => {
    looked.push(id);
    return { nodes: [of('a', String(id))], more: 0 };
  };
  const ids = Array.from({ length: 23 }, (_, i) => i);
  const got = await previewEach(ids, look);
  expect(looked).toEqual(ids.slice(0, 20));
  expect([got.unseen, got.each, got.nodes?.[0]?.files?.length]).toEqual([3, true, 20]);
  expect(await previewEach([7], look)).toMatchObject({ unseen: 0, each: false });
});
