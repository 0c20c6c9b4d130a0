import { expect, test } from 'vitest';
import { layout } from './layout';

test.each([0, 1, 50, 1000, 10_000])('%d squares fit into a window', (count) => {
  const { size, gap, columns } = layout(count, 1200, 700);
  expect(columns * (size + gap)).toBeLessThanOrEqual(1200);
  expect(Math.ceil(count / columns) * (size + gap)).toBeLessThanOrEqual(700);
});

test('an area that has no size yet is no endless column', () => {
  expect(layout(10_000, 0, 0).columns).toBe(1);
  expect(layout(100_000, 400, 300).size).toBeGreaterThanOrEqual(7);
});
