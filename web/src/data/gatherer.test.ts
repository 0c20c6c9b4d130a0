import { expect, test } from 'vitest';
import { Gatherer } from './gatherer';

test('what is asked for at the same time is one call, of so many at the most', async () => {
  const calls: number[][] = [];
  const squares = new Gatherer<number, { id: number }>(
    async (ids) => {
      calls.push(ids);
      if (ids.includes(13)) throw new Error('unlucky');
      return ids.filter((id) => id % 2 === 0).map((id) => ({ id }));
    },
    (v) => v.id,
    3,
  );
  const [two, again, three, four] = await Promise.all([2, 2, 3, 4].map((id) => squares.load(id)));
  expect([two, again, three, four]).toEqual([{ id: 2 }, { id: 2 }, null, { id: 4 }]);
  expect(calls).toEqual([[2, 3, 4]]);
  await Promise.allSettled([6, 8, 10, 13].map((id) => squares.load(id))).then((all) =>
    expect(all.map((r) => r.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']),
  );
  expect(calls.slice(1)).toEqual([[6, 8, 10], [13]]);
});
