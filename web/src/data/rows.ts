import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { type Page, type Read, readPage } from './pages';

/** A list: what its pages are kept under and what reads them, which are never apart. */
export interface Source<T> {
  queryKey: QueryKey;
  read: Read<T>;
  size: number;
}

/** How long pages that are no longer seen are kept. */
const kept = 30_000;

/** The query of one page. */
export const pageQuery = <T>({ queryKey, read, size }: Source<T>, page: number) => ({
  queryKey: [...queryKey, size, page],
  queryFn: ({ signal }: { signal: AbortSignal }) => readPage<T>(read, page, size, signal),
  gcTime: kept,
});

/** The row at an index, if its page is here. */
export function rowAt<T>(client: QueryClient, source: Source<T>, index: number): T | undefined {
  const page = Math.floor(index / source.size);
  const data = client.getQueryData<Page<T>>(pageQuery(source, page).queryKey);
  return data?.items?.[index - page * source.size];
}

/** The rows from one to another; the pages that are not here are read, one after the other. */
export async function readRows<T>(client: QueryClient, source: Source<T>, first: number, last: number): Promise<T[]> {
  const { size } = source;
  const rows: T[] = [];
  for (let page = Math.floor(first / size); page <= Math.floor(last / size); page++) {
    const { items } = await client.ensureQueryData(pageQuery(source, page));
    rows.push(...(items ?? []).slice(Math.max(0, first - page * size), last - page * size + 1));
  }
  return rows;
}
