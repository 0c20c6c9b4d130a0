import type { Step } from './schema';

/** Where in a document the cursor is. */
export interface Context {
  /** The mapping or list that it is in. */
  path: Step[];
  /** The key whose value is being written; undefined: a key, or an element of a list. */
  key?: string;
  /** An element of a list of words is being written. */
  element?: boolean;
  /** What stands before the cursor of what is being written, and where that begins in its line. */
  typed: string;
  start: number;
  /** The keys that the mapping has already. */
  siblings: string[];
}

interface Line {
  dashes: number[]; // columns of "- "
  column: number; // of what follows
  key?: string;
  blank: boolean;
}

/** Takes a line apart by its columns alone: what is being typed is seldom whole YAML. */
function parse(line: string): Line {
  const dashes: number[] = [];
  let at = line.length - line.trimStart().length;
  while (line[at] === '-' && (line[at + 1] === ' ' || at + 1 === line.length)) {
    dashes.push(at);
    at += 1;
    while (line[at] === ' ') at += 1;
  }
  const rest = line.slice(at);
  const key = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#:,[\]{}"'][^\s:,[\]{}]*)\s*:(?:\s|$)/.exec(rest)?.[1];
  const blank = dashes.length === 0 && (rest.trim() === '' || rest.startsWith('#'));
  return { dashes, column: at, key: key?.replace(/^["']|["']$/g, ''), blank };
}

/** The path of what is at a column of a line, by the lines above it. */
function pathOf(lines: string[], at: number, own: Line, column: number): Step[] {
  const path: Step[] = [];
  let limit = column;
  let inList = false; // the parent may then stand in the same column: "a:\n- b"
  const up = (line: Line) => {
    for (const c of [{ column: line.column, key: line.key }, ...line.dashes.map((d) => ({ column: d })).reverse()]) {
      if ('key' in c) {
        if (c.key !== undefined && (inList ? c.column <= limit : c.column < limit)) {
          path.unshift(c.key);
          limit = c.column;
          inList = false;
        }
      } else if (c.column < limit) {
        path.unshift(0);
        limit = c.column;
        inList = true;
      }
    }
  };
  up({ ...own, key: undefined });
  for (let i = at - 1; i >= 0 && (limit > 0 || inList); i--) {
    const line = parse(lines[i] ?? '');
    if (line.blank) continue;
    const top = Math.min(line.column, ...line.dashes);
    up(line);
    if (top === 0 && line.dashes.length === 0) break;
  }
  return path;
}

/** The keys of the mapping that has a key at a column. */
function siblingsOf(lines: string[], at: number, column: number): string[] {
  const keys: string[] = [];
  for (const step of [-1, 1]) {
    for (let i = at + (step === 1 ? 1 : 0); i >= 0 && i < lines.length; i += step) {
      const line = parse(lines[i] ?? '');
      if (line.blank || (i === at && step === -1 && line.column < column)) continue;
      const first = Math.min(line.column, ...line.dashes);
      if (step === 1 && first < column) break;
      if (i !== at && line.column === column && line.key !== undefined) keys.push(line.key);
      if (first < column) break; // "- a: b" begins the element
    }
  }
  return keys;
}

/** Where the cursor is, in a column (from 0) of a line (from 0). */
export function contextAt(lines: string[], at: number, column: number): Context | undefined {
  const before = (lines[at] ?? '').slice(0, column);
  if (/(^|\s)#/.test(before)) return undefined;
  const own = parse(before);
  const rest = before.slice(own.column);
  const value = /^([\w.-]+):\s+(?:\[(?:[^\]]*,)?\s*)?([^\s,[\]{}]*)$/.exec(rest);
  if (value) {
    const typed = value[2] ?? '';
    const path = pathOf(lines, at, own, own.column);
    return { path, key: value[1], typed, start: column - typed.length, siblings: [] };
  }
  if (!/^[\w.-]*$/.test(rest)) return undefined;
  const path = pathOf(lines, at, own, own.column);
  return {
    path,
    element: own.dashes.length > 0,
    typed: rest,
    start: own.column,
    siblings: siblingsOf(lines, at, own.column),
  };
}

/** The path of the field whose key is at a column of a line; undefined: no key is there. */
export function fieldAt(lines: string[], at: number, column: number): Step[] | undefined {
  const line = parse(lines[at] ?? '');
  if (line.key === undefined || line.blank || column < line.column) return undefined;
  return [...pathOf(lines, at, line, line.column), line.key];
}
