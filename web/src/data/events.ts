import { queryOptions } from '@tanstack/react-query';
import type { FleetEvent } from '../api/client';
import { api, ok } from '../api/client';
import { ApiError } from '../api/problem';
import type { Page } from './pages';

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

/** Some of the events, newest first. */
export const readEvents =
  (filter: EventFilter) =>
  (offset: number, limit: number, signal?: AbortSignal): Promise<Page<FleetEvent>> =>
    ok(api.GET('/api/v1/events', { params: { query: { ...filter, offset, limit } }, signal }));

/** The event of an id, that an address names; null if there is none. */
export const findEvent = (id: number, signal: AbortSignal): Promise<FleetEvent | null> =>
  ok(api.GET('/api/v1/events/{id}', { params: { path: { id } }, signal })).catch((error) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
