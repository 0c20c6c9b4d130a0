import { useSyncExternalStore } from 'react';
import type { Preview } from '../api/client';
import { readAgain } from './nodes';

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

/** A write whose way to its nodes is followed. */
export interface Write {
  nodes: string[];
  /** How many nodes beside these. */
  more: number;
}

// The last write of what no node has for itself, as a tag or an event that was undone.
let last: Write | undefined;

function setLast(write?: Write): void {
  last = write;
  for (const tell of listeners) tell();
}

/** Shows how far a write is on the nodes whose files it changes, as its preview has said. */
export async function followEffect(effect?: Preview): Promise<void> {
  const nodes = (effect?.nodes ?? []).map((n) => n.node);
  if (nodes.length === 0) return;
  await readAgain(nodes); // what was read of them before tells of the change before it
  setLast({ nodes, more: effect?.more ?? 0 });
}

export const forgetWrite = () => setLast(undefined);

export const useLastWrite = () => useSyncExternalStore(subscribe, () => last);
