import { api, type Job, ok } from '../api/client';
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
