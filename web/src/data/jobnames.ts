import { queryOptions } from '@tanstack/react-query';
import { api, type Job, ok } from '../api/client';
import { Gatherer } from './gatherer';

/** How many ids are asked for at once. */
const asked = 100;

async function readJobs(id: number[]): Promise<Job[]> {
  const read = async (ids: number[], deleted: boolean) =>
    (await ok(api.GET('/api/v1/jobs', { params: { query: { id: ids, deleted, limit: ids.length } } }))).items ?? [];
  const live = await read(id, false);
  const found = new Set(live.map((job) => job.id));
  const rest = id.filter((i) => !found.has(i));
  return rest.length === 0 ? live : [...live, ...(await read(rest, true))];
}

const jobs = new Gatherer<number, Job>(readJobs, (job) => job.id, asked);

/** The key of a job, also of one that is deleted; null: there has never been one. */
export const jobKeyOf = (id: number) =>
  queryOptions({
    queryKey: ['jobs', 'key', id],
    queryFn: async () => (await jobs.load(id))?.key ?? null,
    staleTime: 60_000,
  });
