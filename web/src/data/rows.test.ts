import { QueryClient } from '@tanstack/react-query';
import { afterEach, expect, test } from 'vitest';
import type { Page } from './pages';
import { readRows, rowAt, type Source } from './rows';

const client = new QueryClient();
afterEach(() => client.clear());

/** A list of 25 rows, in pages of 10. */
function list(name: string, asked: string[] = []): Source<string> {
  const read = async (offset: number, limit: number): Promise<Page<string>> => {
    asked.push(`${name} ${offset}`);
    const items = Array.from({ length: Math.min(limit, 25 - offset) }, (_, i) => `${name}${offset + i}`);
    return { items, total: 25 };
  };
  return { queryKey: ['list', name], read, size: 10 };
}

test('rows of many pages, of which those that are not here are read', async () => {
  const asked: string[] = [];
  const a = list('a', asked);
  expect(await readRows(client, a, 12, 13)).toEqual(['a12', 'a13']);
  expect(rowAt(client, a, 12)).toBe('a12');
  expect(rowAt(client, a, 3)).toBeUndefined();
  const rows = await readRows(client, a, 8, 24);
  expect([rows.length, rows[0], rows.at(-1)]).toEqual([17, 'a8', 'a24']);
  expect(asked).toEqual(['a 10', 'a 0', 'a 20']);
});

test('what is read of one list is kept as its own, whatever is shown meanwhile', async () => {
  const a = list('a');
  const b = list('b');
  const reading = readRows(client, a, 0, 24);
  await readRows(client, b, 0, 24);
  expect((await reading).every((row) => row.startsWith('a'))).toBe(true);
  for (const index of [0, 10, 20]) {
    expect(rowAt(client, a, index)).toBe(`a${index}`);
    expect(rowAt(client, b, index)).toBe(`b${index}`);
  }
});
