import { queryOptions } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { Gatherer } from './gatherer';

/** A node by the name that people know it by. */
export interface Host {
  uuid: string;
  hostname: string;
  deleted?: true;
}

/** How many uuids an address carries: proxies take addresses of 8 KiB. */
const named = 100;

async function readHosts(uuid: string[]): Promise<Host[]> {
  const live = (await ok(api.GET('/api/v1/nodes/map', { params: { query: { uuid } } }))).nodes ?? [];
  const found = new Set(live.map((node) => node.uuid));
  const rest = uuid.filter((u) => !found.has(u));
  if (rest.length === 0) return live;
  const gone = await ok(api.GET('/api/v1/nodes/map', { params: { query: { uuid: rest, deleted: true } } }));
  return [...live, ...(gone.nodes ?? []).map(({ uuid, hostname }): Host => ({ uuid, hostname, deleted: true }))];
}

const hosts = new Gatherer<string, Host>(readHosts, (host) => host.uuid, named);

/** The name of a node, also of one that is deleted; null: there has never been one. */
export const hostOf = (uuid: string) =>
  queryOptions({ queryKey: ['hosts', uuid], queryFn: () => hosts.load(uuid), staleTime: 60_000 });
