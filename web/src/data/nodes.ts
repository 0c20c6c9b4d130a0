import { queryOptions } from '@tanstack/react-query';
import { api, type Node, type NodeState, type NodesMap, ok, type Tagged, tagged } from '../api/client';
import { unread } from '../api/problem';
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

/** The fleet as a map shows it. What has not changed is not sent again. */
export const mapQuery = (filter: NodeFilter) =>
  queryOptions({
    queryKey: keys.map(filter),
    queryFn: async ({ signal }) => {
      const old = queryClient.getQueryData<Tagged<NodesMap>>(keys.map(filter));
      const header = old?.etag ? { 'If-None-Match': old.etag } : {};
      const call = api.GET('/api/v1/nodes/map', { params: { query: filter, header }, signal }).catch(unread);
      if (old && (await call).response.status === 304) return old;
      return tagged(call);
    },
    structuralSharing: false, // thousands are not compared, they are drawn anew
    refetchInterval: lookEvery,
    placeholderData: (before) => before,
  });

export const readNode = (uuid: string, signal?: AbortSignal) =>
  tagged(api.GET('/api/v1/nodes/{uuid}', { params: { path: { uuid } }, signal }));

/** How many nodes are read one by one after a write. */
const mostAgain = 10;

/** Reads how far nodes are, after a write of what they have; one that cannot be read is looked at later. */
export async function readAgain(uuids: string[]): Promise<void> {
  await Promise.all(
    uuids.slice(0, mostAgain).map((uuid) =>
      readNode(uuid).then(
        ({ value, etag }) => putNode(value, etag),
        () => undefined,
      ),
    ),
  );
}

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
  queryClient.setQueriesData<Tagged<NodesMap>>({ queryKey: keys.allMaps }, (old) => {
    const { uuid, hostname } = node;
    const { state, targets_down } = node.status;
    const at = old?.value.nodes?.findIndex((n) => n.uuid === uuid) ?? -1;
    if (!old?.value.nodes || at < 0) return old;
    return {
      etag: '', // it is no longer what was sent
      value: { ...old.value, nodes: old.value.nodes.with(at, { uuid, hostname, state, targets_down }) },
    };
  });
}

/** Whether a list or a map that is kept has a node. */
export function isListed(uuid: string): boolean {
  const lists = queryClient.getQueriesData<Page<Node>>({ queryKey: keys.allNodes });
  const maps = queryClient.getQueriesData<Tagged<NodesMap>>({ queryKey: keys.allMaps });
  return (
    lists.some(([, page]) => has(page, uuid)) || maps.some(([, map]) => map?.value.nodes?.some((n) => n.uuid === uuid))
  );
}

const has = (page: Page<Node> | undefined, uuid: string): page is Page<Node> & { items: Node[] } =>
  page?.items?.some((n) => n.uuid === uuid) ?? false;
