import { queryOptions } from '@tanstack/react-query';
import { api, type FleetEvent, type Job, ok, type Preview, type Tagged, type Target, tagged } from '../../api/client';
import { Gatherer } from '../../data/gatherer';
import { readAgain } from '../../data/nodes';
import type { Page, Read } from '../../data/pages';
import { merged } from '../../data/previews';
import { queryClient } from '../../data/queries';
import type { TargetPatch } from './draft';
import type { TargetValues } from './rules';

/** What selects targets. */
export interface TargetFilter {
  job?: number;
  node?: string;
  q?: string;
  tag?: string[];
  addr?: string;
}

export interface ListFilter extends TargetFilter {
  sort?: string;
  deleted?: true;
}

const listKey = ['targets', 'list'] as const;
export const targetsKey = (filter: ListFilter) => [...listKey, filter];

export const readTargets =
  (filter: ListFilter): Read<Target> =>
  (offset, limit, signal) =>
    ok(api.GET('/api/v1/targets', { params: { query: { ...filter, offset, limit } }, signal }));

export const readTarget = (id: number, signal?: AbortSignal) =>
  tagged(api.GET('/api/v1/targets/{id}', { params: { path: { id } }, signal }));

/** Puts a target as it is now into the lists that have it. */
export function putTarget(target: Target): void {
  queryClient.setQueriesData<Page<Target>>({ queryKey: listKey }, (old) =>
    old?.items?.some((t) => t.id === target.id)
      ? { ...old, items: old.items.map((t) => (t.id === target.id ? target : t)) }
      : old,
  );
}

export const patchTarget = (id: number, etag: string, body: TargetPatch): Promise<Tagged<Target>> =>
  tagged(
    api.PATCH('/api/v1/targets/{id}', {
      params: { path: { id }, header: { 'If-Match': etag } },
      body: body as Record<string, unknown>,
      headers: { 'Content-Type': 'application/merge-patch+json' },
    }),
  ) as Promise<Tagged<Target>>;

/** What such a write would do. */
export const previewPatch = (id: number, etag: string, body: TargetPatch, signal?: AbortSignal): Promise<Preview> =>
  ok(
    api.PATCH('/api/v1/targets/{id}', {
      params: { path: { id }, query: { dry_run: true }, header: { 'If-Match': etag } },
      body: body as Record<string, unknown>,
      headers: { 'Content-Type': 'application/merge-patch+json' },
      signal,
    }),
  ) as Promise<Preview>;

export type NewTarget = { job: number } & TargetValues;

export const createTarget = (body: NewTarget): Promise<Target> =>
  ok(api.POST('/api/v1/targets', { body })) as Promise<Target>;

export const previewCreate = (body: NewTarget, signal?: AbortSignal): Promise<Preview> =>
  ok(
    api.POST('/api/v1/targets', { params: { query: { dry_run: true } }, body, signal }),
  ) as unknown as Promise<Preview>;

const restore = (id: number, dry: boolean) =>
  ok(api.POST('/api/v1/targets/{id}/restore', { params: { path: { id }, query: { dry_run: dry } } }));

export const restoreTarget = (id: number) => restore(id, false) as Promise<Target>;
export const previewRestore = (id: number) => restore(id, true) as Promise<Preview>;

/** Reads again what a write of targets has changed, and how far its nodes are. */
export async function written(nodes: string[]): Promise<void> {
  void queryClient.invalidateQueries({ queryKey: ['events'] });
  void queryClient.invalidateQueries({ queryKey: ['targets'] });
  await readAgain(nodes);
}

/** Which targets a bulk write is about: some by their ids, or all that a filter selects. */
export type Scope = { ids: number[] } | { filter: TargetFilter };

export interface BulkPatch {
  labels?: Record<string, string | null>;
  add_tags?: string[];
  remove_tags?: string[];
  remark?: string;
  deleted?: true;
}

/** How many ids a call takes (TargetFilter of the API). */
const atOnce = 500;

function queries(scope: Scope): (TargetFilter & { id?: number[] })[] {
  if ('filter' in scope) return [scope.filter];
  const all = [];
  for (let i = 0; i < scope.ids.length; i += atOnce) all.push({ id: scope.ids.slice(i, i + atOnce) });
  return all;
}

const call = (query: TargetFilter & { id?: number[] }, body: BulkPatch, dry: boolean) =>
  ok(api.PATCH('/api/v1/targets', { params: { query: { ...query, dry_run: dry } }, body }));

/** What a bulk write would do. */
export async function previewBulk(scope: Scope, body: BulkPatch): Promise<Preview> {
  const previews: Preview[] = [];
  for (const query of queries(scope)) previews.push((await call(query, body, true)) as Preview);
  return merged(previews);
}

/** What a bulk write has done. */
export interface Written {
  updated: number;
  /** Why the rest was not done. */
  failed?: unknown;
}

/** Writes part after part; when one fails, those before it are done. */
async function writeBulk(
  scope: Scope,
  body: BulkPatch,
  progress: (share: number) => void = () => undefined,
): Promise<Written> {
  const all = queries(scope);
  let updated = 0;
  for (const [i, query] of all.entries()) {
    try {
      updated += ((await call(query, body, false)) as { updated: number }).updated;
    } catch (failed) {
      if (i === 0) throw failed; // nothing is done
      return { updated, failed };
    }
    progress((i + 1) / all.length);
  }
  return { updated };
}

/** The number of the newest event: what comes after it was done since. */
async function lastEvent(): Promise<number> {
  const { items } = await ok(api.GET('/api/v1/events', { params: { query: { limit: 1 } } }));
  return items?.[0]?.id ?? 0;
}

const newest = 200;

/** Whether an event keeps only a part of what was changed: it cannot be undone. */
const partial = (of: unknown) => Number((of as { more?: number } | null | undefined)?.more ?? 0) > 0;

/** The events of bulk writes by somebody since one; none, if they would undo only a part. */
async function bulkEventsSince(id: number, actor: string): Promise<FleetEvent[]> {
  const { items } = await ok(api.GET('/api/v1/events', { params: { query: { actor, limit: newest } } }));
  const since = (items ?? []).filter((e) => e.id > id && /^job\/\d+\/targets$/.test(e.object));
  const whole = since.length < newest && !since.some((e) => partial(e.before) || partial(e.after));
  return whole ? since : [];
}

/** writeBulk, and the events by which it is undone; the newest first, none if they would not undo all of it. */
export async function writeUndoably(
  scope: Scope,
  body: BulkPatch,
  actor: string,
  progress?: (share: number) => void,
): Promise<Written & { events: number[] }> {
  const before = await lastEvent();
  const written = await writeBulk(scope, body, progress);
  const events = await bulkEventsSince(before, actor).catch(() => []);
  return { ...written, events: events.map((e) => e.id) };
}

export const revertEvent = (id: number) => ok(api.POST('/api/v1/events/{id}/revert', { params: { path: { id } } }));

const jobs = new Gatherer<number, Job>(
  async (id) => (await ok(api.GET('/api/v1/jobs', { params: { query: { id, limit: id.length } } }))).items ?? [],
  (job) => job.id,
  100,
);

/** The job that a row's target belongs to; null: it is deleted. */
export const jobOf = (id: number) =>
  queryOptions({ queryKey: ['targets', 'job', id], queryFn: () => jobs.load(id), staleTime: 60_000 });
