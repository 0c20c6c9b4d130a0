import { queryOptions } from '@tanstack/react-query';
import { api, type Job, ok, type Target } from '../../api/client';

/** How often is looked for a node that is to join: somebody sits and waits for it. */
const soon = 2_000;

/** The node that has joined with a token. */
export const joinedQuery = (token: number) =>
  queryOptions({
    queryKey: ['start', 'joined', token],
    queryFn: async ({ signal }) => {
      const { items } = await ok(
        api.GET('/api/v1/events', { params: { query: { actor: `join-token/${token}`, limit: 1 } }, signal }),
      );
      return items?.[0]?.node ?? null;
    },
    refetchInterval: (query) => (query.state.data ? false : soon),
  });

/** The nodes that joined last. */
export const newestQuery = queryOptions({
  queryKey: ['start', 'newest'],
  queryFn: ({ signal }) =>
    ok(api.GET('/api/v1/nodes', { params: { query: { sort: '-created_at', limit: 3 } }, signal })),
  refetchInterval: soon,
});

/** The first target of a node and its job; without one, the first job. */
export interface First {
  job?: Job;
  target?: Target;
}

export const firstTargetQuery = (node: string) =>
  queryOptions({
    queryKey: ['node', node, 'first'],
    queryFn: async ({ signal }): Promise<First> => {
      const targets = await ok(api.GET('/api/v1/targets', { params: { query: { node, limit: 1 } }, signal }));
      const target = targets.items?.[0];
      if (target) {
        const job = await ok(api.GET('/api/v1/jobs/{id}', { params: { path: { id: target.job } }, signal }));
        return { target, job };
      }
      const jobs = await ok(api.GET('/api/v1/jobs', { params: { query: { node, limit: 1 } }, signal }));
      return { job: jobs.items?.[0] };
    },
  });
