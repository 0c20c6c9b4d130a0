import type { RenderedConfig } from '../../api/client';

/** A size as "1.2 KiB". */
export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

interface ChangedFile {
  path: string;
  change: 'added' | 'removed' | 'edited';
  before: number;
  after: number;
}

/** The target files that differ, with how many targets each had and has. */
export function changedFiles(before: RenderedConfig, after: RenderedConfig): ChangedFile[] {
  const old = new Map((before.files ?? []).map((f) => [f.path, f]));
  const changed: ChangedFile[] = [];
  for (const file of after.files ?? []) {
    const was = old.get(file.path);
    old.delete(file.path);
    if (was?.hash !== file.hash) {
      changed.push({
        path: file.path,
        change: was ? 'edited' : 'added',
        before: was?.targets ?? 0,
        after: file.targets,
      });
    }
  }
  for (const file of old.values()) changed.push({ path: file.path, change: 'removed', before: file.targets, after: 0 });
  return changed.sort((a, b) => (a.path < b.path ? -1 : 1));
}
