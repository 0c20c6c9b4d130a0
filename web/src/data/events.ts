import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { lookEvery } from './nodes';

export interface EventFilter {
  q?: string;
  node?: string;
  actor?: string;
  object?: string;
  since?: string;
}

const read = (filter: EventFilter, limit: number, cursor: string, signal: AbortSignal) =>
  ok(api.GET('/api/v1/events', { params: { query: { ...filter, limit, ...(cursor ? { cursor } : {}) } }, signal }));

/** The newest events. Those of a node hang on it, so that they are read again with it. */
export const eventsQuery = ({ limit, ...filter }: EventFilter & { limit: number }) =>
  queryOptions({
    queryKey: filter.node ? ['node', filter.node, 'events', limit] : ['events', 'newest', limit],
    queryFn: ({ signal }) => read(filter, limit, '', signal),
  });

export const allEventsQuery = (filter: EventFilter) =>
  infiniteQueryOptions({
    queryKey: ['events', 'list', filter],
    queryFn: ({ pageParam, signal }) => read(filter, pageParam === '' ? 100 : 500, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: (before) => before,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 3 ? false : lookEvery()),
  });
