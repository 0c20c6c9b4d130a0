import { type InfiniteData, infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, type Node, type NodeState, ok, type Tagged, tagged } from '../api/client';
import { isAway } from './connection';
import { watching } from './live';
import { keys, queryClient } from './queries';

export interface NodeFilter {
  q?: string;
  state?: NodeState;
  tag?: string[];
  sort?: string;
}

export interface NodePage {
  items: Node[];
  next_cursor: string;
  total: number;
}

/** How often a view looks by itself: a node grows stale without anybody saying so. */
export const lookEvery = () => (isAway() ? false : watching() ? 30_000 : 10_000);

function page(filter: NodeFilter, limit: number, cursor: string, signal: AbortSignal) {
  const query = { ...filter, limit, ...(cursor ? { cursor } : {}) };
  return ok(api.GET('/api/v1/nodes', { params: { query }, signal })) as Promise<NodePage>;
}

/** Pages of the fleet: the first is small, so that rows are there soon. */
export const nodesQuery = (filter: NodeFilter) =>
  infiniteQueryOptions({
    queryKey: keys.nodes(filter),
    queryFn: ({ pageParam, signal }) => page(filter, pageParam === '' ? 100 : 500, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (last: NodePage) => last.next_cursor || undefined,
    placeholderData: (before) => before, // a filter that is typed keeps the rows until there are others
  });

export const summaryQuery = queryOptions({
  queryKey: keys.summary,
  queryFn: ({ signal }) => ok(api.GET('/api/v1/nodes/summary', { signal })),
  refetchInterval: lookEvery,
});

export const readNode = (uuid: string, signal?: AbortSignal) =>
  tagged(api.GET('/api/v1/nodes/{uuid}', { params: { path: { uuid } }, signal }));

export const nodeQuery = (uuid: string) =>
  queryOptions({
    queryKey: keys.node(uuid),
    queryFn: ({ signal }) => readNode(uuid, signal),
    refetchInterval: lookEvery,
  });

/** Puts a node as it is now into every view that has it. */
export function putNode(node: Node, etag?: string): void {
  queryClient.setQueryData<Tagged<Node>>(keys.node(node.uuid), (old) =>
    old || etag ? { value: node, etag: etag ?? old?.etag ?? '' } : undefined,
  );
  queryClient.setQueriesData<InfiniteData<NodePage>>({ queryKey: keys.allNodes }, (old) => {
    if (!old?.pages.some((p) => p.items.some((n) => n.uuid === node.uuid))) return old;
    const pages = old.pages.map((p) => ({ ...p, items: p.items.map((n) => (n.uuid === node.uuid ? node : n)) }));
    return { ...old, pages };
  });
}

/** Whether a list that is kept has a node. */
export function isListed(uuid: string): boolean {
  return queryClient
    .getQueriesData<InfiniteData<NodePage>>({ queryKey: keys.allNodes })
    .some(([, data]) => data?.pages.some((p) => p.items.some((n) => n.uuid === uuid)));
}
