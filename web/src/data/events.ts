import { queryOptions } from '@tanstack/react-query';
import type { FleetEvent } from '../api/client';
import { api, ok } from '../api/client';
import { maxOffset, type Page } from './pages';

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

/**
 * The event of an id, that an address names. The API has no call for one: ids fall from
 * one to the next, so halving the list finds it.
 */
export async function findEvent(filter: EventFilter, id: number, signal: AbortSignal): Promise<FleetEvent | null> {
  const read = readEvents(filter);
  let low = 0;
  let high = Math.min((await read(0, 1, signal)).total, maxOffset) - 1;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const event = (await read(middle, 1, signal)).items?.[0];
    if (!event || event.id === id) return event ?? null;
    if (event.id > id) low = middle + 1;
    else high = middle - 1;
  }
  return null;
}
