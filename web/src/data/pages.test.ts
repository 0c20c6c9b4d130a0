import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Glance, maxOffset, type Page, pagesOf, readPage, type Span } from './pages';

test('the pages that are seen are asked for, and those that are near', () => {
  expect(pagesOf({ first: 0, last: 0 }, 200)).toEqual([0]);
  expect(pagesOf({ first: 0, last: 40 }, 200, 100_000)).toEqual([0]);
  expect(pagesOf({ first: 90, last: 130 }, 200, 100_000)).toEqual([0, 1]);
  expect(pagesOf({ first: 400, last: 440 }, 200, 100_000)).toEqual([1, 2]);
  expect(pagesOf({ first: 190, last: 230 }, 200, 100_000)).toEqual([0, 1]);
  expect(pagesOf({ first: 99_960, last: 99_999 }, 200, 100_000)).toEqual([499]);
});

test('there are no pages behind the end, or beyond what the API reaches', () => {
  expect(pagesOf({ first: 380, last: 399 }, 200, 400)).toEqual([1]);
  expect(pagesOf({ first: 5000, last: 5040 }, 200, 400)).toEqual([1]);
  expect(pagesOf({ first: 0, last: 0 }, 200, 0)).toEqual([0]);
  expect(pagesOf({ first: 3_000_000, last: 3_000_040 }, 200, 5_000_000).at(-1)).toBe(maxOffset / 200);
});

test('a page that ends early is gone on with', async () => {
  const asked: [number, number][] = [];
  const read = async (offset: number, limit: number): Promise<Page<number>> => {
    asked.push([offset, limit]);
    const items = Array.from({ length: Math.min(limit, 3, 11 - offset) }, (_, i) => offset + i);
    return { items, total: 11 };
  };
  expect(await readPage(read, 1, 5)).toEqual({ items: [5, 6, 7, 8, 9], total: 11 });
  expect(asked).toEqual([
    [5, 5],
    [8, 2],
  ]);
  expect(await readPage(read, 2, 5)).toEqual({ items: [10], total: 11 });
  expect(await readPage(async () => ({ items: null, total: 4 }), 7, 5)).toEqual({ items: [], total: 4 });
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const rows = (first: number): Span => ({ first, last: first + 40 });

test('a jump is looked at at once, and of many only where it comes to rest', () => {
  const looked: number[] = [];
  const glance = new Glance(200, (span) => looked.push(span.first), 100);
  glance.see(rows(0));
  expect(looked).toEqual([0]);
  vi.advanceTimersByTime(500);
  glance.see(rows(5000)); // End
  expect(looked).toEqual([0, 5000]);
  vi.advanceTimersByTime(500);
  for (let first = 5400; first <= 9000; first += 400) {
    glance.see(rows(first)); // the scrollbar is dragged
    vi.advanceTimersByTime(16);
  }
  vi.advanceTimersByTime(500);
  expect(looked).toEqual([0, 5000, 5400, 9000]);
});

test('scrolling on inside a page keeps up, and a page that stays in sight is asked for while it moves', () => {
  const looked: number[] = [];
  const glance = new Glance(200, (span) => looked.push(span.first), 100);
  glance.see(rows(0));
  glance.see(rows(10));
  expect(looked).toEqual([0, 10]);
  glance.see(rows(200));
  for (let first = 201; first < 220; first++) {
    vi.advanceTimersByTime(16);
    glance.see(rows(first));
  }
  expect(looked.length).toBeGreaterThan(3);
});

test('another list is looked at anew', () => {
  const looked: number[] = [];
  const glance = new Glance(200, (span) => looked.push(span.first), 100);
  glance.see(rows(0));
  glance.see(rows(9000));
  glance.stop();
  vi.advanceTimersByTime(500);
  expect(looked).toEqual([0]);
  glance.see(rows(0));
  expect(looked).toEqual([0, 0]);
});
