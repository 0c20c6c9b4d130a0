import type { Preview } from '../api/client';

/** What several writes would do, each computed by itself. */
export interface Previews extends Preview {
  /** What they change may be the same: it counts for each of them. */
  each?: boolean;
  /** How many writes were not looked at. */
  unseen?: number;
}

/** Several previews as one: each was computed by itself, so that the same node counts up. */
export function merged(previews: Preview[]): Preview {
  const nodes = new Map<string, NonNullable<Preview['nodes']>[number]>();
  for (const preview of previews)
    for (const n of preview.nodes ?? []) {
      const have = nodes.get(n.node);
      nodes.set(
        n.node,
        have
          ? {
              ...have,
              files: [...(have.files ?? []), ...(n.files ?? [])],
              more_files: have.more_files + n.more_files,
              added: [...(have.added ?? []), ...(n.added ?? [])],
              removed: [...(have.removed ?? []), ...(n.removed ?? [])],
              targets_added: have.targets_added + n.targets_added,
              targets_removed: have.targets_removed + n.targets_removed,
              targets_changed: have.targets_changed + n.targets_changed,
              reload: have.reload || n.reload,
            }
          : n,
      );
    }
  // A node that one names and another leaves out counts twice: too many rather than too few.
  return { nodes: [...nodes.values()], more: previews.reduce((n, p) => n + p.more, 0) };
}

/** How many writes of a selection are looked at. */
const most = 20;

/** How many at once. */
const atOnce = 4;

/** Looks at what the first of many writes would do. */
export async function previewEach(ids: number[], look: (id: number) => Promise<Preview>): Promise<Previews> {
  const seen = ids.slice(0, most);
  const previews: Preview[] = [];
  for (let i = 0; i < seen.length; i += atOnce) {
    previews.push(...(await Promise.all(seen.slice(i, i + atOnce).map(look))));
  }
  return { ...merged(previews), each: ids.length > 1, unseen: ids.length - seen.length };
}
