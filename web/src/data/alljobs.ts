import { api, type Job, ok } from '../api/client';
import { readHostnames } from './nodes';
import type { Read } from './pages';

export interface JobFilter {
  q?: string;
  node?: string; // uuid
  sort?: string;
}

/** The jobs of all nodes, or of one, from any place on. */
export const readJobs =
  (filter: JobFilter): Read<Job> =>
  (offset, limit, signal) =>
    ok(api.GET('/api/v1/jobs', { params: { query: { ...filter, offset, limit } }, signal }));

/** A job with the name of its node: a uuid tells people nothing. */
export type HostedJob = Job & { hostname: string };

export const readHostedJobs =
  (filter: JobFilter): Read<HostedJob> =>
  async (offset, limit, signal) => {
    const { items, total } = await readJobs(filter)(offset, limit, signal);
    const names = await readHostnames([...new Set((items ?? []).map((j) => j.node))], signal);
    return { items: (items ?? []).map((j) => ({ ...j, hostname: names.get(j.node) ?? j.node })), total };
  };
