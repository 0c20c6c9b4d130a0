import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Preview } from '../api/client';

/** How long one may pause before what was typed is tried. */
export const pause = 300;

/**
 * Tries a write while it is typed: what it would do, or why it is refused. Only what
 * was tried may be saved. body is the whole of what would be sent; undefined: nothing is to be tried.
 */
export function useDryRun(
  key: unknown[],
  body: string | undefined,
  run: (body: string, signal: AbortSignal) => Promise<Preview>,
  /** It is being written: what is not known yet is not asked any more. */
  busy = false,
) {
  const [settled] = useDebouncedValue(body, pause);
  const tried = useQuery({
    queryKey: ['dry-run', ...key, settled],
    queryFn: ({ signal }) => run(settled ?? '', signal),
    // What was typed before is not tried again.
    enabled: (query) => settled !== undefined && settled === body && (!busy || query.state.status !== 'pending'),
    retry: false,
    staleTime: 30_000,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
  });
  const current = body !== undefined && settled === body && !tried.isFetching && !tried.isPending;
  return {
    preview: current ? tried.data : undefined,
    error: current ? tried.error : null,
    pending: body !== undefined && !current,
    again: () => void tried.refetch(),
  };
}

/** Keeps what is marked until there is something newer to mark: the marks move with what is typed. */
export function useKept<T>(value: T, pending: boolean): T {
  const [kept, setKept] = useState(value);
  useEffect(() => {
    if (!pending) setKept(value);
  }, [value, pending]);
  return kept;
}
