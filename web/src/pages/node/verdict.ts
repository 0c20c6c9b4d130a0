import type { Finding, NodeLoaded } from '../../data/host';

/** How what is wanted, what the file says and what is loaded stand to each other. */
export type Standing = 'same' | 'file' | 'running' | 'edited' | 'all' | 'hidden' | 'unknown';

export function standing(l: NodeLoaded): Standing {
  if (l.same) return 'same';
  if (l.wanted.missing || l.written.missing || l.loaded.missing) return 'unknown';
  const file = l.written.text === l.wanted.text;
  const running = l.loaded.text === l.wanted.text;
  if (file && running) return 'hidden'; // in a secret, or so
  if (running) return 'file';
  if (file) return 'running';
  return l.written.text === l.loaded.text ? 'edited' : 'all';
}

/** Which text is held against the wanted one if nobody has chosen: the one that differs. */
export function telling(l: NodeLoaded): 'loaded' | 'written' {
  const differs = (side: 'loaded' | 'written') => !l[side].missing && l[side].text !== l.wanted.text;
  return !differs('loaded') && differs('written') ? 'written' : 'loaded';
}

export const levels = ['failure', 'warning', 'ok'] as const;

/** Findings by how bad they are, the worst first; in the order of the checks else. */
export const bySeverity = (findings: readonly Finding[]) =>
  levels
    .map((level) => ({ level, findings: findings.filter((f) => f.level === level) }))
    .filter((group) => group.findings.length > 0);
