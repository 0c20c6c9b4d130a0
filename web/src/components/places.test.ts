import { expect, test } from 'vitest';
import { maxHeight, places, rowHeight, scrollTo } from './places';

const view = 20 * rowHeight;

test('rows lie one below the other', () => {
  const p = places(10_000, view, 100 * rowHeight + 8);
  expect(p).toMatchObject({ height: 10_000 * rowHeight, ratio: 1, first: 100, last: 120 });
  expect(p.top(100)).toBe(100 * rowHeight);
});

test('few rows, or none', () => {
  expect(places(3, view, 0)).toMatchObject({ height: 3 * rowHeight, first: 0, last: 2 });
  expect(places(0, view, 0)).toMatchObject({ height: 0, last: -1 });
});

test('a scroll beyond the end, as after rows have gone, shows the last ones', () => {
  expect(places(100, view, 1_000_000)).toMatchObject({ first: 80, last: 99 });
});

test.each([468_750, 468_751, 1_000_200, 5_000_000])('of %i rows each can be reached', (count) => {
  const end = Math.min(count * rowHeight, maxHeight) - view;
  expect(places(count, view, 0).first).toBe(0);
  expect(places(count, view, end)).toMatchObject({ last: count - 1 });
  for (const index of [0, 1, 17, count >> 1, count - 2, count - 1]) {
    for (const from of [0, end / 3, end]) {
      const scroll = scrollTo(index, count, view, from);
      const p = places(count, view, scroll);
      expect(scroll).toBeGreaterThanOrEqual(0);
      expect(scroll).toBeLessThanOrEqual(end + 0.001);
      expect(p.top(index) - scroll).toBeGreaterThanOrEqual(-0.01);
      expect(p.top(index) + rowHeight - scroll).toBeLessThanOrEqual(view + 0.01);
    }
  }
});

test('what is seen already is not scrolled to', () => {
  expect(scrollTo(5, 10_000, view, 2 * rowHeight)).toBe(2 * rowHeight);
  expect(scrollTo(1, 10_000, view, 2 * rowHeight)).toBe(rowHeight);
  expect(scrollTo(22, 10_000, view, 2 * rowHeight)).toBe(3 * rowHeight);
});
