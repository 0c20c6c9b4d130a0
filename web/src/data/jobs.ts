import { queryOptions } from '@tanstack/react-query';
import { api, type Job, type JobInput, ok, type Preview, tagged } from '../api/client';
import { ApiError, StaleError } from '../api/problem';
import { putNode, readNode } from './nodes';
import { keys, queryClient } from './queries';

/** A job as it was read. */
export interface JobRead {
  job: Job;
  /** What a write goes with; empty: the job is deleted. */
  etag: string;
  /** The answer itself: numbers in it are as they were written, however large. */
  text: string;
}

/** What a user sets of a job. */
export type JobPatch = Partial<Pick<Job, 'remark' | 'contacts' | 'managed_by' | 'targets_managed_by'>>;

export async function readJobById(id: number, signal?: AbortSignal): Promise<JobRead> {
  const { value, etag } = await tagged(
    api.GET('/api/v1/jobs/{id}', { params: { path: { id } }, parseAs: 'text', signal }),
  );
  const text = value as unknown as string;
  return { job: JSON.parse(text) as Job, etag, text };
}

/** The live job of a key, else the one that was deleted last; null: there has never been one. */
async function readJob(node: string, key: string, signal: AbortSignal): Promise<JobRead | null> {
  const live = await ok(api.GET('/api/v1/jobs', { params: { query: { node, key, limit: 1 } }, signal }));
  const found = live.items?.[0];
  if (found) {
    try {
      return await readJobById(found.id, signal);
    } catch (error) {
      // Deleted in between: then it is among those.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }
  const query = { node, key, deleted: true, sort: '-updated_at', limit: 1 };
  const gone = (await ok(api.GET('/api/v1/jobs', { params: { query }, signal }))).items?.[0];
  return gone ? { job: gone, etag: '', text: JSON.stringify(gone) } : null;
}

export const jobQuery = (node: string, key: string) =>
  queryOptions({
    queryKey: keys.job(node, key),
    queryFn: ({ signal }) => readJob(node, key, signal),
  });

const patchJob = (id: number, etag: string, body: JobPatch) =>
  tagged(
    api.PATCH('/api/v1/jobs/{id}', {
      params: { path: { id }, header: { 'If-Match': etag } },
      body,
      headers: { 'Content-Type': 'application/merge-patch+json' },
      parseAs: 'text',
    }),
  );

/**
 * Changes what is beside the scrape_config. If somebody else has changed the job
 * meanwhile, but not this of it, nobody's edit is lost by doing so all the same.
 */
export async function changeJob(read: JobRead, body: JobPatch): Promise<JobRead> {
  const same = (now: Job) =>
    (Object.keys(body) as (keyof JobPatch)[]).every((k) => JSON.stringify(now[k]) === JSON.stringify(read.job[k]));
  const { value, etag } = await patchJob(read.job.id, read.etag, body).catch(async (error: unknown) => {
    if (!(error instanceof StaleError)) throw error;
    const now = await readJobById(read.job.id);
    putJob(now);
    if (!same(now.job)) throw error;
    return patchJob(read.job.id, now.etag, body);
  });
  const text = value as unknown as string;
  const now = { job: JSON.parse(text) as Job, etag, text };
  putJob(now);
  return now;
}

/** What stops being scraped with a job. */
export const removalOf = (id: number, signal?: AbortSignal) =>
  ok(
    api.DELETE('/api/v1/jobs/{id}', { params: { path: { id }, query: { dry_run: true } }, signal }),
  ) as Promise<unknown> as Promise<Preview>;

export async function deleteJob({ job, etag }: JobRead): Promise<void> {
  const { id } = job;
  await queryClient.cancelQueries({ queryKey: keys.job(job.node, job.key) }); // it would find nothing half way
  try {
    await ok(api.DELETE('/api/v1/jobs/{id}', { params: { path: { id }, header: { 'If-Match': etag } } }));
  } catch (error) {
    if (error instanceof StaleError) putJob(await readJobById(id)); // to be seen before it is deleted
    throw error;
  }
  await looksAgain(job);
}

/** What is scraped again with a job. */
export const restorationOf = (id: number) =>
  ok(
    api.POST('/api/v1/jobs/{id}/restore', { params: { path: { id }, query: { dry_run: true } } }),
  ) as Promise<unknown> as Promise<Preview>;

export async function restoreJob(job: Job): Promise<void> {
  await ok(api.POST('/api/v1/jobs/{id}/restore', { params: { path: { id: job.id } } }));
  await looksAgain(job);
}

/** Puts a job as it is now where it is shown. */
export function putJob(read: JobRead): void {
  queryClient.setQueryData(keys.job(read.job.node, read.job.key), read);
  void queryClient.invalidateQueries({ queryKey: keys.jobs(read.job.node) });
}

/** Reads again what a write of a job has changed: the job, and how far its node is. */
export async function jobWritten(node: string, key: string): Promise<void> {
  void queryClient.invalidateQueries({ queryKey: keys.jobs(node) });
  void queryClient.invalidateQueries({ queryKey: ['events'] });
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: keys.job(node, key) }),
    readNode(node).then(({ value, etag }) => putNode(value, etag)),
  ]);
}

/** A whole job as it is sent; scrape_config is JSON, whose numbers must keep their digits. */
export function bodyOf(job: Partial<Job> & Pick<Job, 'node' | 'key'>, scrapeConfig: string): string {
  const { node, key, job_name, remark, contacts } = job;
  const rest = JSON.stringify({ node, key, job_name, remark, contacts });
  return `${rest.slice(0, -1)},"scrape_config":${scrapeConfig}}`;
}

// What is sent is text already; the type of the body is that of what it says.
const as = (body: string) => ({ body: {} as JobInput, bodySerializer: () => body });

export const tryJob = (id: number, etag: string, body: string, signal?: AbortSignal) =>
  ok(
    api.PUT('/api/v1/jobs/{id}', {
      params: { path: { id }, query: { dry_run: true }, header: { 'If-Match': etag } },
      ...as(body),
      signal,
    }),
  ) as Promise<Preview>;

export async function saveJob(id: number, etag: string, body: string): Promise<JobRead> {
  const saved = await tagged(
    api.PUT('/api/v1/jobs/{id}', {
      params: { path: { id }, header: { 'If-Match': etag } },
      ...as(body),
      parseAs: 'text',
    }),
  );
  const text = saved.value as unknown as string;
  const read = { job: JSON.parse(text) as Job, etag: saved.etag, text };
  putJob(read);
  await looksAgain(read.job);
  return read;
}

/** jobWritten, of a write that is done whether or not the reads after it succeed. */
const looksAgain = (job: Pick<Job, 'node' | 'key'>) => jobWritten(job.node, job.key).catch(() => undefined);

export const tryNewJob = (body: string, signal?: AbortSignal) =>
  ok(
    api.POST('/api/v1/jobs', { params: { query: { dry_run: true } }, ...as(body), signal }),
  ) as unknown as Promise<Preview>;

export async function createJob(body: string): Promise<Job> {
  const job = (await ok(api.POST('/api/v1/jobs', as(body)))) as Job;
  await looksAgain(job);
  return job;
}
