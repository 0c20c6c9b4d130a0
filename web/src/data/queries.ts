import { QueryClient } from '@tanstack/react-query';
import type { Session } from '../api/client';
import { ApiError, LoginNeeded, Unreachable } from '../api/problem';
import { isAway, subscribe } from './connection';
import { setEnded, unsaved } from './ended';

/** Keys of what is kept of the API. */
export const keys = {
  session: ['session'] as const,
  summary: ['nodes', 'summary'] as const,
  nodes: (filter: object) => ['nodes', 'list', filter] as const,
  allNodes: ['nodes', 'list'] as const,
  allMaps: ['nodes', 'map'] as const,
  map: (filter: object) => ['nodes', 'map', filter] as const,
  node: (uuid: string) => ['node', uuid, 'record'] as const,
  nodeAll: (uuid: string) => ['node', uuid] as const,
  config: (uuid: string, revision?: number) => ['node', uuid, 'config', revision ?? 'now'] as const,
  revisions: (uuid: string) => ['node', uuid, 'revisions'] as const,
  jobs: (uuid: string) => ['node', uuid, 'jobs'] as const,
  job: (uuid: string, key: string) => ['node', uuid, 'job', key] as const,
  tags: ['tags'] as const,
};

/** A failure that another try may not have. */
function worthAnotherTry(count: number, error: unknown): boolean {
  if (error instanceof Unreachable) return false; // it is asked for again when the server is back
  return count < 2 && (!(error instanceof ApiError) || error.status === 503);
}

export const queryClient = new QueryClient({
  defaultOptions: {
    // The server may be on this host, or in a network without the internet: what the browser knows of that is no reason to wait.
    queries: { retry: worthAnotherTry, staleTime: 5_000, refetchOnWindowFocus: true, networkMode: 'always' },
    mutations: { retry: false, networkMode: 'always' },
  },
});

/** Notes that the session has ended: nobody is logged in, or still who it was where an edit keeps the page. */
export function sessionEnded(): Session | null {
  const was = queryClient.getQueryData<Session | null>(keys.session) ?? null;
  if (was) setEnded(true);
  return unsaved.size > 0 ? was : null;
}

// A session that has ended leads to the login, wherever that is noticed.
const ended = (error: unknown) => {
  if (!(error instanceof LoginNeeded)) return;
  if (sessionEnded() === null) queryClient.setQueryData(keys.session, null);
  // Perhaps one logs in beside this page: that is seen when one comes back to it.
  else void queryClient.invalidateQueries({ queryKey: keys.session, refetchType: 'none' });
};
queryClient.getQueryCache().config.onError = ended;
queryClient.getMutationCache().config.onError = ended;

// Whoever notices that the server is back: what failed meanwhile is asked for again.
subscribe(() => {
  if (!isAway()) void queryClient.invalidateQueries();
});
