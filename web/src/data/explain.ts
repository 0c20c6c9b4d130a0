import { queryOptions } from '@tanstack/react-query';
import { api, ok } from '../api/client';
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

/** The question that is asked about one target of the server, be it deleted; null: there is none. */
export const questionQuery = (id: number) =>
  queryOptions({
    queryKey: ['explain', 'target', id],
    queryFn: async ({ signal }): Promise<Question | null> => {
      // By the lists, which have what is deleted too, and say of none that it is not there (404).
      const targets = (deleted?: true) =>
        ok(api.GET('/api/v1/targets', { params: { query: { id: [id], deleted } }, signal }));
      const jobs = (job: number, deleted?: true) =>
        ok(api.GET('/api/v1/jobs', { params: { query: { id: [job], deleted } }, signal }));
      const target = (await targets()).items?.[0] ?? (await targets(true)).items?.[0];
      if (!target) return null;
      const job = (await jobs(target.job)).items?.[0];
      if (job) return { addr: target.addr, node: job.node, job: job.key };
      return { addr: target.addr, node: (await jobs(target.job, true)).items?.[0]?.node };
    },
    staleTime: 60_000,
  });
