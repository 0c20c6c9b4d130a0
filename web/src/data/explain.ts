import { queryOptions } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { ApiError } from '../api/problem';
import type { components } from '../api/schema';

type Schemas = components['schemas'];
export type Explained = Schemas['Explained'];
export type ExplainedNode = Schemas['ExplainedNode'];
export type ExplainedChain = Schemas['ExplainedChain'];
export type SeenTarget = Schemas['SeenTarget'];
export type RelabelStep = Schemas['RelabelStep'];
export type Question = Schemas['ExplainRequest'];
export type Scraped = ExplainedChain['scraped'];
export type Stage = ExplainedChain['stage'];

/** How long agents are given to answer, in seconds. */
export const patience = 10;

/** Why an address is, or is not, scraped. It is asked anew when somebody wants that: agents have other work. */
export const explainQuery = (question: Question) =>
  queryOptions({
    queryKey: ['explain', question.addr, question.node ?? '', question.job ?? ''],
    queryFn: ({ signal }) =>
      ok(api.POST('/api/v1/explain', { params: { query: { wait: patience } }, body: question, signal })),
    staleTime: 20_000,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
    retry: false,
  });

/** The question that is asked about one target of the server, be it deleted. */
export const questionQuery = (id: number) =>
  queryOptions({
    queryKey: ['explain', 'target', id],
    queryFn: async ({ signal }): Promise<Question> => {
      const target = await readTarget(id, signal);
      const job = await ok(api.GET('/api/v1/jobs/{id}', { params: { path: { id: target.job } }, signal })).catch(
        absent,
      );
      return { addr: target.addr, node: job?.node, job: job?.key };
    },
    staleTime: 60_000,
  });

function absent(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 404) return undefined;
  throw error;
}

interface Told {
  addr: string;
  job: number;
}

/** Where a target is; of a deleted one, where its last event says it was. */
async function readTarget(id: number, signal: AbortSignal): Promise<Told> {
  try {
    return await ok(api.GET('/api/v1/targets/{id}', { params: { path: { id } }, signal }));
  } catch (error) {
    absent(error);
    const events = await ok(
      api.GET('/api/v1/events', { params: { query: { object: `target/${id}`, limit: 1 } }, signal }),
    );
    const last = events.items?.[0];
    const told = (last?.before ?? last?.after) as Partial<Told> | undefined;
    if (typeof told?.addr === 'string' && typeof told.job === 'number') return { addr: told.addr, job: told.job };
    throw error;
  }
}
