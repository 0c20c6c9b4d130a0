import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, type Node, ok } from '../api/client';
import type { components } from '../api/schema';

type Schemas = components['schemas'];
export type NodeLoaded = Schemas['NodeLoaded'];
export type NodeDoctor = Schemas['NodeDoctor'];
export type Finding = Schemas['Finding'];
export type AgentPart = NodeLoaded['agent'];

/** How long an agent is given to answer, in seconds. */
const wait = 15;

/**
 * What a host is asked costs its agent some work: it is asked when somebody looks, and
 * on demand, and not whenever something is heard of the node.
 */
const key = (uuid: string, ...what: (string | number)[]) => ['host', uuid, ...what];
const onDemand = { staleTime: 60_000, refetchOnWindowFocus: false, retry: false } as const;

/** What is loaded, against what should be; asked anew when the node has got further. */
export const loadedQuery = ({ uuid, status }: Node) =>
  queryOptions({
    queryKey: key(uuid, 'loaded', status.revision_wanted, status.revision_applied, status.state),
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/nodes/{uuid}/loaded', { params: { path: { uuid }, query: { wait } }, signal })),
    placeholderData: keepPreviousData,
    ...onDemand,
  });

/** What doctor finds on the host. */
export const doctorQuery = (uuid: string) =>
  queryOptions({
    queryKey: key(uuid, 'doctor'),
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/nodes/{uuid}/doctor', { params: { path: { uuid }, query: { wait } }, signal })),
    ...onDemand,
  });
