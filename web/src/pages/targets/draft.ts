import type { Target } from '../../api/client';
import type { ApiError } from '../../api/problem';
import { readLabels, readTags, writeLabels, writeTags } from './labels';
import { labelProblems } from './rows';
import { checkTarget, type Field, type Problem, type TargetValues } from './rules';

/** What is being typed of a target. */
export interface Draft {
  addr: string;
  name: string;
  remark: string;
  labels: string;
  tags: string;
}

export const fields: Field[] = ['addr', 'name', 'labels', 'tags', 'remark'];

export const emptyDraft: Draft = { addr: '', name: '', remark: '', labels: '', tags: '' };

type Record_ = Pick<Target, 'addr' | 'name' | 'remark' | 'labels' | 'tags'>;

export const draftOf = (t: Record_): Draft => ({
  addr: t.addr,
  name: t.name,
  remark: t.remark,
  labels: writeLabels(t.labels),
  tags: writeTags(t.tags),
});

/** What was typed as a target, and what is wrong with it. */
export function valuesOf(draft: Draft): { target: TargetValues; problems: Problem[] } {
  const read = readLabels(draft.labels);
  const labels = Object.fromEntries(Object.entries(read.labels).filter(([, value]) => value !== ''));
  const target = {
    addr: draft.addr.trim(),
    name: draft.name,
    remark: draft.remark,
    labels,
    tags: readTags(draft.tags),
  };
  return { target, problems: [...labelProblems(read), ...checkTarget(target)] };
}

/** A JSON merge patch of a target. */
export interface TargetPatch {
  addr?: string;
  name?: string;
  remark?: string;
  labels?: Record<string, string | null>;
  tags?: string[];
}

const same = (a: string[], b: string[]) => a.length === b.length && a.every((v, i) => v === b[i]);

/** What is to be written so that a target becomes another; undefined: nothing. */
export function patchOf(from: Record_, to: TargetValues): TargetPatch | undefined {
  const patch: TargetPatch = {};
  for (const field of ['addr', 'name', 'remark'] as const) if (from[field] !== to[field]) patch[field] = to[field];
  const labels: [string, string | null][] = [];
  for (const [name, value] of Object.entries(to.labels)) {
    if (!Object.hasOwn(from.labels, name) || from.labels[name] !== value) labels.push([name, value]);
  }
  for (const name of Object.keys(from.labels)) if (!Object.hasOwn(to.labels, name)) labels.push([name, null]);
  if (labels.length > 0) patch.labels = Object.fromEntries(labels);
  if (!same([...(from.tags ?? [])].sort(), [...to.tags].sort())) patch.tags = to.tags;
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** What the server says of each field. */
export function refusedFields(error: ApiError): Problem[] {
  return error.fields.flatMap((f): Problem[] => {
    const field = fields.find(
      (name) =>
        f.location === `body.${name}` ||
        f.location.startsWith(`body.${name}.`) ||
        f.location.startsWith(`body.${name}[`),
    );
    return field ? [{ field, message: f.message }] : [];
  });
}
