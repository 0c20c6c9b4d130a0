import { expect, test } from 'vitest';
import { HealthBook, kept } from './healthbook';

function world() {
  let now = 1000;
  const asked: number[][] = [];
  const open: (() => void)[] = [];
  const book = new HealthBook(
    (ids) => {
      asked.push(ids);
      return new Promise((done) => {
        open.push(() => done({ items: ids.map((id) => ({ id, state: 'up' as const, seconds: 0 })), notes: [] }));
      });
    },
    () => now,
  );
  const answer = async () => {
    while (open.length > 0) {
      for (const done of open.splice(0)) done();
      await new Promise((done) => setTimeout(done));
    }
  };
  return {
    book,
    asked,
    answer,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('what is fresh, or asked for already, is not asked for again', async () => {
  const { book, asked, answer, pass } = world();
  void book.want([3, 1]);
  void book.want([1, 2]);
  expect(asked).toEqual([[1, 3], [2]]);
  expect(book.of(1)).toBeUndefined();
  await answer();
  expect(book.of(1)?.state).toBe('up');
  pass(kept - 1);
  void book.want([1, 2, 3]);
  expect(asked.length).toBe(2);
  pass(1);
  void book.want([1, 2, 3]);
  expect(asked.at(-1)).toEqual([1, 2, 3]);
  await answer();
  book.forget([2]);
  expect(book.of(2)).toBeUndefined();
  void book.want([1, 2, 3]);
  expect(asked.at(-1)).toEqual([2]);
});

test('no more than 500 at once, two calls at a time, and no more of what is not seen any longer', async () => {
  const { book, asked, answer } = world();
  void book.want(Array.from({ length: 1700 }, (_, i) => i));
  expect(asked.map((ids) => ids.length)).toEqual([500, 500]);
  void book.want([5000, 5001]);
  await answer();
  expect(asked.map((ids) => ids.length)).toEqual([500, 500, 2]);
  expect(book.of(5001)?.state).toBe('up');
});

test('a failure is told, and another try is free to follow', async () => {
  let fails = true;
  const book = new HealthBook(async (ids) => {
    if (fails) throw new Error('no');
    return { items: ids.map((id) => ({ id, state: 'down' as const, seconds: 1 })), notes: ['x'] };
  });
  let told = 0;
  book.subscribe(() => told++);
  await book.want([1]);
  expect(book.error).toBeInstanceOf(Error);
  fails = false;
  await book.want([1]);
  expect([book.error, book.of(1)?.state, book.notes, told]).toEqual([undefined, 'down', ['x'], 2]);
});
