import { hashKey, type QueryKey, useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { lookEvery } from './nodes';
import { Glance, maxOffset, pagesOf, type Read, type Span } from './pages';
import { pageQuery, readRows, rowAt, type Source } from './rows';

/** A list of any length, of which only what is seen is asked for. */
export interface Paged<T> {
  /** Of what is shown: another filter's rows are another list. */
  key: string;
  /** The row at an index, if it is here. */
  at: (index: number) => T | undefined;
  /** How many rows there are. */
  total: number;
  /** How many of them can be reached by scrolling. */
  reach: number;
  /** Says which rows are seen. */
  see: (first: number, last: number) => void;
  /** The rows of the pages that are seen. */
  here: T[];
  /** Reads what is not here of some rows, as a selection over many does. */
  read: (first: number, last: number) => Promise<T[]>;
  /** Nothing is known yet. */
  pending: boolean;
  /** Rows of before are shown until there are others. */
  stale: boolean;
  error: Error | null;
  refetch: () => void;
}

interface Options<T> {
  queryKey: QueryKey;
  read: Read<T>;
  size?: number;
  enabled?: boolean;
  /** How often the pages that are seen are looked at again. */
  refetchInterval?: number | false | (() => number | false);
}

const top: Span = { first: 0, last: 0 };

/** A list that is read by the pages that are seen: any sort, any filter, any place. */
export function usePaged<T>({
  queryKey,
  read,
  size = 200,
  enabled = true,
  refetchInterval = lookEvery,
}: Options<T>): Paged<T> {
  const client = useQueryClient();
  const key = hashKey(queryKey);
  const [looked, setLooked] = useState({ key, ...top });
  const source: Source<T> = { queryKey, read, size };
  const shown = useRef<{ key: string; source: Source<T>; total: number }>(undefined);
  const total = shown.current?.key === key ? shown.current.total : undefined;
  const span = looked.key === key ? looked : top; // another list begins at its top
  const pages = pagesOf(span, size, total);
  const results = useQueries({
    queries: pages.map((page) => ({
      ...pageQuery(source, page),
      refetchInterval,
      enabled,
    })),
  });
  let newest: (typeof results)[number] | undefined;
  for (const result of results) {
    if (result.data && result.dataUpdatedAt > (newest?.dataUpdatedAt ?? 0)) newest = result;
  }
  // A filter that is typed keeps the rows until there are others.
  if (newest?.data) shown.current = { key, source, total: newest.data.total };
  const list = shown.current;
  const stale = list !== undefined && list.key !== key;

  const glance = useRef<Glance>(undefined);
  const current = useRef({ key, stale });
  current.current = { key, stale };
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list is looked at anew
  useEffect(() => () => glance.current?.stop(), [key]);
  const see = useCallback(
    (first: number, last: number) => {
      if (current.current.stale) return;
      glance.current ??= new Glance(size, (span) =>
        setLooked((old) =>
          old.key === current.current.key && old.first === span.first && old.last === span.last
            ? old
            : { key: current.current.key, ...span },
        ),
      );
      glance.current.see({ first, last });
    },
    [size],
  );

  const of = list?.source ?? source; // what is shown is what is selected of
  const failed = results.find((r) => r.error !== null);
  return {
    key: list?.key ?? key,
    at: (index) => (list && index >= 0 ? rowAt(client, of, index) : undefined),
    total: list?.total ?? 0,
    reach: Math.min(list?.total ?? 0, maxOffset + size),
    see,
    here: useMemo(() => results.flatMap((r) => r.data?.items ?? []), [results]),
    read: (first, last) => readRows(client, of, first, last),
    pending: list === undefined && failed === undefined,
    stale,
    error: failed?.error ?? null,
    refetch: () => void client.invalidateQueries({ queryKey }),
  };
}
