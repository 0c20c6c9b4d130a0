import { queryOptions } from '@tanstack/react-query';
import { api, type Node, type NodeState, ok, type Tagged, tagged } from '../api/client';
import { isAway } from './connection';
import { watching } from './live';
import type { Page, Read } from './pages';
import { keys, queryClient } from './queries';

export interface NodeFilter {
  q?: string;
  state?: NodeState;
  tag?: string[];
  sort?: string;
}

/** How often a view looks by itself: a node grows stale without anybody saying so. */
export const lookEvery = () => (isAway() ? false : watching() ? 30_000 : 10_000);

/** The fleet, from any place on. */
export const readNodes =
  (filter: NodeFilter): Read<Node> =>
  (offset, limit, signal) =>
    ok(api.GET('/api/v1/nodes', { params: { query: { ...filter, offset, limit } }, signal }));

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
  queryClient.setQueriesData<Page<Node>>({ queryKey: keys.allNodes }, (old) => {
    if (!has(old, node.uuid)) return old;
    return { ...old, items: old.items.map((n) => (n.uuid === node.uuid ? node : n)) };
  });
}

/** Whether a list that is kept has a node. */
export function isListed(uuid: string): boolean {
  return queryClient.getQueriesData<Page<Node>>({ queryKey: keys.allNodes }).some(([, page]) => has(page, uuid));
}

const has = (page: Page<Node> | undefined, uuid: string): page is Page<Node> & { items: Node[] } =>
  page?.items?.some((n) => n.uuid === uuid) ?? false;
