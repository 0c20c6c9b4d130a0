import type { JobHealth, NodeHealth } from '../../../data/health';

/** What has become of targets, in the order in which it is drawn. */
export const parts = ['up', 'down', 'missing', 'unknown'] as const;
export type Part = (typeof parts)[number];
export type Counts = Record<Part, number>;

export const countsOf = (job: JobHealth): Counts => ({
  up: job.up,
  down: job.down,
  missing: job.missing ?? 0,
  unknown: job.unknown,
});

export const sum = (counts: Counts) => parts.reduce((n, p) => n + counts[p], 0);

/** The counts of all jobs together. */
export function total(jobs: JobHealth[]): Counts & { dropped: number } {
  const all = { up: 0, down: 0, missing: 0, unknown: 0, dropped: 0 };
  for (const job of jobs) {
    const counts = countsOf(job);
    for (const p of parts) all[p] += counts[p];
    all.dropped += job.dropped;
  }
  return all;
}

const bad = (job: JobHealth) => job.down + (job.missing ?? 0);
const rank = (job: JobHealth) => (job.withheld ? 2 : bad(job) > 0 ? 1 : 0);

/** Those that want somebody first; the others as they are. */
export const worstFirst = (jobs: JobHealth[]) =>
  [...jobs].sort((a, b) => rank(b) - rank(a) || (rank(a) > 0 ? bad(b) - bad(a) : 0));

export interface Cause {
  message: string;
  count: number;
  addr: string; // of one of them
  job: JobHealth; // whose that is
  jobs: number; // that it occurs in
}

/** Why scrapes fail, over jobs: the same message is one cause; the most frequent first. */
export function causes(jobs: JobHealth[]): { all: Cause[]; others: number } {
  const byMessage = new Map<string, Cause>();
  let others = 0;
  for (const job of jobs) {
    others += job.others;
    for (const { message, count, addr } of job.errors ?? []) {
      const known = byMessage.get(message);
      if (known) {
        known.count += count;
        known.jobs++;
      } else byMessage.set(message, { message, count, addr, job, jobs: 1 });
    }
  }
  return { all: [...byMessage.values()].sort((a, b) => b.count - a.count), others };
}

/** How many are down or missing. */
export const badCount = (health: NodeHealth) => (health.down?.length ?? 0) + health.more_down;
