import type { TFunction } from 'i18next';
import type { FleetEvent } from '../../api/client';

/** What events are about. The targets of a job are written together as one set. */
const kinds = ['node', 'job', 'target', 'targets', 'tag', 'user', 'token', 'join-token', 'contact'] as const;

export interface Subject {
  kind: (typeof kinds)[number];
  id: string; // a number; a node's is its uuid
  /** What people call it, if the event says so. */
  name?: string;
  /** It was deleted then. */
  gone: boolean;
}

/** What of an event says what it is about. */
export type About = Pick<FleetEvent, 'object' | 'before' | 'after'>;

/** What an event is about; undefined: a kind that is not known here. */
export function subjectOf(event: About): Subject | undefined {
  const [of = '', id = '', part] = event.object.split('/');
  const kind = kinds.find((k) => k === (of === 'job' && part === 'targets' ? 'targets' : of));
  if (!kind) return undefined;
  const record = { ...(event.before as object | undefined), ...(event.after as object | undefined) };
  const gone = event.before !== undefined && event.after === undefined;
  return { kind, id, name: nameIn(record), gone };
}

interface Named {
  key?: unknown;
  hostname?: unknown;
  addr?: unknown;
  name?: unknown;
}

function nameIn({ key, hostname, addr, name }: Named): string | undefined {
  return [key, hostname, addr, name].find((v): v is string => typeof v === 'string' && v !== '');
}

/** A subject in words. */
export function subjectText(t: TFunction, { kind, id, name }: Subject): string {
  const of = name === undefined ? id : kind === 'node' ? name : `${name} (${id})`;
  return t(`events.subject.${kind}`, { of });
}
