import { useSyncExternalStore } from 'react';

/** Whether the server answers, as far as the last call tells. */
let away = false;
const listeners = new Set<() => void>();

/** Notes whether a call reached the server. */
export function reachable(yes: boolean): void {
  if (away === !yes) return;
  away = !yes;
  for (const tell of listeners) tell();
}

export function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export const isAway = () => away;

export function useAway(): boolean {
  return useSyncExternalStore(subscribe, isAway);
}
