import { queryOptions } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { api, ok } from '../api/client';
import type { components } from '../api/schema';
import { isAway } from './connection';
import { HealthBook } from './healthbook';
import { queryClient } from './queries';

type Schemas = components['schemas'];
export type TargetHealth = Schemas['TargetHealth'];
export type NodeHealth = Schemas['NodeHealth'];
export type JobHealth = Schemas['JobHealth'];
export type DownTarget = Schemas['DownTarget'];
export type HealthState = TargetHealth['state'];

/** How long agents are given, in seconds: the row of one that is silent does not wait for long. */
const wait = 5;
/** How often what is seen is asked for again. */
const again = 15_000;
/** How long a list must stand still before it is asked for. */
const settled = 150;

async function ask(ids: number[]): Promise<Schemas['TargetsHealth']> {
  // By the query client, which sees to a session that has ended.
  return queryClient.fetchQuery({
    queryKey: ['health', ids],
    queryFn: ({ signal }) =>
      ok(api.POST('/api/v1/targets/health', { params: { query: { wait } }, body: { ids }, signal })),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
}

const book = new HealthBook(ask);

/** Forgets what is known of targets that were changed, so that they are asked for anew. */
export const forgetHealth = (ids: readonly number[]) => book.forget(ids);

export interface HealthView {
  /** What is known of a target; undefined: nothing yet. */
  of: (id: number) => TargetHealth | undefined;
  /** What was not looked at, and why. */
  notes: readonly string[];
  error: unknown;
}

/**
 * The health of the targets that are seen, of whichever nodes: give the ids of the
 * rows that are drawn. They are asked for once the list stands still, kept for 10 s,
 * and asked for again every 15 s while the page is seen.
 */
export function useHealth(ids: readonly number[]): HealthView {
  const [, redraw] = useState(0);
  const key = [...ids].sort((a, b) => a - b).join();
  useEffect(() => book.subscribe(() => redraw((n) => n + 1)), []);
  const { forgotten } = book;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was forgotten is asked for again
  useEffect(() => {
    if (key === '') return;
    const wanted = key.split(',').map(Number);
    const look = () => {
      if (document.visibilityState !== 'hidden' && !isAway()) void book.want(wanted);
    };
    const first = setTimeout(look, settled);
    const timer = setInterval(look, again);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [key, forgotten]);
  const version = book.version;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version of the book is another view
  return useMemo(() => ({ of: (id) => book.of(id), notes: book.notes, error: book.error }), [version]);
}

/** What the agent of a node says of its targets, of one job if it is given. */
export const nodeHealthQuery = (uuid: string, job?: string) =>
  queryOptions({
    queryKey: ['node', uuid, 'health', job ?? ''],
    queryFn: ({ signal }) =>
      ok(
        api.GET('/api/v1/nodes/{uuid}/health', {
          params: { path: { uuid }, query: job === undefined ? {} : { job } },
          signal,
        }),
      ),
    staleTime: 10_000,
    refetchInterval: () => (isAway() ? false : again),
    retry: false,
  });
