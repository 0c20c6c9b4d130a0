import type { Node } from '../../api/client';

export type StepKey = 'saved' | 'sent' | 'written' | 'reloaded' | 'loaded';
export type Mark = 'done' | 'now' | 'waiting' | 'stopped' | 'skipped';

export interface Step {
  key: StepKey;
  mark: Mark;
  /** When it was done, in milliseconds since 1970; undefined: not known, or not done. */
  at?: number;
}

/** States in which nothing goes on until somebody, or something, acts. */
const standing: Node['status']['state'][] = ['failed', 'quarantined', 'held', 'drifted', 'stale'];

const time = (at?: string | null) => (at ? Date.parse(at) : undefined);

/**
 * How far the wanted revision is: saved, sent to the agent, written to disk, reloaded
 * by Prometheus, and seen to be loaded. A time belongs to it only if the node's
 * number for that step is the wanted revision's own.
 */
export function stepsOf(status: Node['status'], savedAt?: string): Step[] {
  const wanted = status.revision_wanted;
  const { received_at, written_at, reloaded_at, loaded_at } = status.steps;
  const of = (reached: number, at?: string | null) => (reached === wanted ? time(at) : undefined);
  const written = of(status.revision_written, written_at);
  const reload = time(reloaded_at);
  const loaded = status.revision_applied >= wanted;
  // Both times are ages in one report, and the reload came after the writing.
  const reloaded = reload !== undefined && written !== undefined && reload >= written - 50;
  const steps: (Step & { done: boolean })[] = [
    { key: 'saved', mark: 'done', done: true, at: time(savedAt) },
    {
      key: 'sent',
      mark: 'waiting',
      done: status.revision_received >= wanted,
      at: of(status.revision_received, received_at),
    },
    { key: 'written', mark: 'waiting', done: status.revision_written >= wanted, at: written },
    { key: 'reloaded', mark: 'waiting', done: reloaded, at: reloaded ? reload : undefined },
    { key: 'loaded', mark: 'waiting', done: loaded, at: of(status.revision_applied, loaded_at) },
  ];
  const last = steps.findLastIndex((s) => s.done);
  const blocked = standing.includes(status.state);
  return steps.map(({ key, at, done }, i) => {
    if (done) return { key, at, mark: 'done' };
    if (i < last) return { key, mark: key === 'reloaded' ? 'skipped' : 'done' };
    return { key, mark: i === last + 1 ? (blocked ? 'stopped' : 'now') : 'waiting' };
  });
}
