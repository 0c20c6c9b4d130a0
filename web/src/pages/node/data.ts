import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { keys } from '../../data/queries';

/** The files of a node at a revision; undefined: now. */
export const configQuery = (uuid: string, revision?: number) =>
  queryOptions({
    queryKey: keys.config(uuid, revision),
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/nodes/{uuid}/config', { params: { path: { uuid }, query: { revision } }, signal })),
    staleTime: revision === undefined ? 5_000 : Number.POSITIVE_INFINITY, // what a revision was does not change
  });

export const revisionsQuery = (uuid: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.revisions(uuid), 'list'],
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET('/api/v1/nodes/{uuid}/revisions', {
          params: { path: { uuid }, query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
