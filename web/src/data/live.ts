import { useEffect } from 'react';
import type { NodesChanged } from '../api/client';
import { basePath } from '../page';
import { reachable } from './connection';
import { isListed, putNode, readNode } from './nodes';
import { keys, queryClient } from './queries';

/** The stream of what changes, if it is open. */
let open = false;
export const watching = () => open;

/** How many nodes are asked for one by one; of more, the lists are read again. */
const maxSingle = 25;

/** Nodes that this page deletes: it need not ask for them to find them gone. */
export const leaving = new Set<string>();

/** When a stream that was refused is asked for again, in milliseconds. */
const reopenAfter = 15_000;

/** Follows the fleet as long as a component is there. */
export function useLive(enabled: boolean): void {
  useEffect(() => {
    if (!enabled) return;
    const pending = new Pending();
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let first = true;
    const watch = () => {
      source = new EventSource(`${basePath}/api/v1/watch`);
      source.onopen = () => {
        open = true;
        reachable(true);
      };
      source.onerror = () => {
        open = false;
        if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
        // An answer other than 200: a session that has ended, too many who watch, or a
        // proxy whose server is away for a moment.
        void queryClient.invalidateQueries({ queryKey: keys.session });
        again = setTimeout(watch, reopenAfter);
      };
      source.onmessage = (event) => {
        const change = JSON.parse(event.data) as NodesChanged;
        if (change.more && first) {
          first = false; // what is shown has only just been asked for
          return;
        }
        pending.add(change);
      };
    };
    watch();
    return () => {
      open = false;
      clearTimeout(again);
      source.close();
      pending.close();
    };
  }, [enabled]);
}

/** Gathers changes while those before are being read. */
class Pending {
  private nodes = new Set<string>();
  private all = false;
  private busy = false;
  private closed = false;

  add(change: NodesChanged): void {
    for (const uuid of change.nodes ?? []) this.nodes.add(uuid);
    this.all ||= change.more;
    if (!this.busy) void this.run();
  }

  close(): void {
    this.closed = true;
  }

  private async run(): Promise<void> {
    this.busy = true;
    while (!this.closed && (this.all || this.nodes.size > 0)) {
      const nodes = [...this.nodes];
      const all = this.all || nodes.length > maxSingle;
      this.nodes.clear();
      this.all = false;
      await refresh(nodes, all).catch(() => undefined); // the views look again by themselves
      await new Promise((done) => setTimeout(done, all ? 5_000 : 200));
    }
    this.busy = false;
  }
}

async function refresh(nodes: string[], all: boolean): Promise<void> {
  const summary = queryClient.invalidateQueries({ queryKey: keys.summary });
  if (all) {
    await Promise.all([
      summary,
      queryClient.invalidateQueries({ queryKey: ['nodes'] }),
      queryClient.invalidateQueries({ queryKey: ['node'] }),
    ]);
    return;
  }
  let unknown = false;
  const queue = [...nodes];
  const worker = async () => {
    for (let uuid = queue.pop(); uuid; uuid = queue.pop()) {
      const shown = queryClient.getQueryData(keys.node(uuid)) !== undefined;
      if (leaving.has(uuid) || (!shown && !isListed(uuid))) {
        unknown = true;
        continue;
      }
      try {
        const { value, etag } = await readNode(uuid);
        putNode(value, shown ? etag : undefined);
        if (shown) {
          void queryClient.invalidateQueries({
            queryKey: keys.nodeAll(uuid),
            predicate: (q) => q.queryKey[2] !== 'record',
          });
        }
      } catch {
        unknown = true; // it is gone
      }
    }
  };
  await Promise.all([summary, ...Array.from({ length: 6 }, worker)]);
  if (unknown) {
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: keys.allNodes }),
      queryClient.invalidateQueries({ queryKey: keys.allMaps }),
    ]);
  }
}
