import { useSyncExternalStore } from 'react';

// The nodes whose last change is followed, on pages where something was written.
let nodes: readonly string[] = [];
const listeners = new Set<() => void>();

function set(next: readonly string[]): void {
  nodes = next;
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/** Shows how far the last change of a node is, until somebody has seen enough of it. */
export function follow(uuid: string): void {
  if (!nodes.includes(uuid)) set([...nodes, uuid]);
}

export const unfollow = (uuid: string) => set(nodes.filter((n) => n !== uuid));

export const useFollowing = (uuid: string) => useSyncExternalStore(subscribe, () => nodes.includes(uuid));
