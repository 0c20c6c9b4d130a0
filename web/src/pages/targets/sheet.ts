import { unguard } from './guard';

/** What stands between the cells of a line; 'line': each line is one cell. */
export type Separator = '\t' | ',' | ';' | 'line';

export interface SheetRow {
  line: number; // of the text, from 1
  cells: string[];
  /** A quote was opened and never closed. */
  open?: boolean;
}

const space = /\s/;

/**
 * Reads rows of cells (RFC 4180, and what spreadsheets copy). Space around a cell is
 * no part of it unless it is quoted. Empty lines are passed over.
 */
export function* readSheet(text: string, separator: Separator): Generator<SheetRow> {
  let i = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  const end = text.length;
  if (separator === 'line') {
    for (; i < end; line++) {
      let next = text.indexOf('\n', i);
      if (next < 0) next = end;
      const cell = text.slice(i, next).trim();
      i = next + 1;
      if (cell !== '') yield { line, cells: ofLine(cell) };
    }
    return;
  }
  while (i < end) {
    const row: SheetRow = { line, cells: [] };
    for (;;) {
      while (i < end && text[i] !== separator && text[i] !== '\n' && space.test(text[i] ?? '')) i++;
      let cell = '';
      if (text[i] === '"') {
        const from = ++i;
        let doubled = false;
        for (;;) {
          const quote = text.indexOf('"', i);
          if (quote < 0) {
            row.open = true;
            i = end;
            break;
          }
          i = quote + 1;
          if (text[i] !== '"') break;
          doubled = true;
          i++;
        }
        cell = text.slice(from, row.open ? end : i - 1);
        for (let n = cell.indexOf('\n'); n >= 0; n = cell.indexOf('\n', n + 1)) line++;
        if (doubled) cell = cell.replaceAll('""', '"');
      }
      // What is not quoted, or goes on behind a quote.
      let stop = i;
      while (stop < end && text[stop] !== separator && text[stop] !== '\n') stop++;
      if (stop > i) cell += text.slice(i, stop).trimEnd();
      i = stop;
      row.cells.push(unguard(cell));
      if (text[i] !== separator) break;
      i++;
    }
    i++; // the line's end
    line++;
    if (row.cells.length > 1 || row.cells[0] !== '') yield row;
  }
}

/** A line of a list: the address, and then labels, if there are any. */
function ofLine(line: string): string[] {
  const item = line.replace(/^-\s+/, '').replace(/,$/, '');
  const quoted = /^(['"])(.*)\1$/.exec(item)?.[2];
  if (quoted !== undefined) return [quoted];
  const gap = item.search(space);
  return gap > 0 && item.includes('=', gap) ? [item.slice(0, gap), item.slice(gap + 1).trim()] : [item];
}

const listed = /^(?:-\s+)?[^\s,;]+(?:\s+[^,;]*=.*)?,?$/;

/** How a text's cells are told apart, by its first lines. */
export function separatorOf(text: string): Separator {
  const head = text.slice(0, 20_000);
  const lines = head
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l !== '')
    .slice(0, 20);
  if (!head.includes('\t') && lines.every((l) => listed.test(l))) return 'line';
  let best: Separator = 'line';
  let score = 0;
  for (const separator of ['\t', ',', ';'] as const) {
    const counts: number[] = [];
    for (const { cells } of readSheet(head, separator)) {
      counts.push(cells.length);
      if (counts.length === 20) break;
    }
    const first = counts[0] ?? 1;
    const same = first > 1 ? counts.filter((n) => n === first).length * first : 0;
    if (same > score) {
      best = separator;
      score = same;
    }
  }
  return best;
}
