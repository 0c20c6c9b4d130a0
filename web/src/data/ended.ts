import { useSyncExternalStore } from 'react';

/** Edits on the page that are not saved, and what is asked before each is left. */
export const unsaved = new Map<object, string>();

/** Whether the session has ended without having been left. */
let ended = false;
const listeners = new Set<() => void>();

export function setEnded(yes: boolean): void {
  if (ended === yes) return;
  ended = yes;
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export const isEnded = () => ended;

export function useEnded(): boolean {
  return useSyncExternalStore(subscribe, isEnded);
}
