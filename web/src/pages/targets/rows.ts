import { type Column, type Layout, layoutOf } from './columns';
import { type ReadLabels, readLabels, readTags } from './labels';
import { checkTarget, labelsKey, type Problem, type TargetValues } from './rules';
import { readSheet, type Separator, type SheetRow, separatorOf } from './sheet';

/** A row of a pasted text, as the target that it is to be. */
export interface Row {
  line: number; // of the text, from 1
  target: TargetValues;
  /** The labels as they were written, if they could not be read. */
  labelsText?: string;
  /** What is wrong with it by itself, and beside the others. */
  problems: Problem[];
  /** Left out by hand. */
  out?: boolean;
}

/** How a text is read: found by looking at it, changed by hand. */
export interface Plan extends Layout {
  separator: Separator;
  /** The first rows, to be shown beside the choice of columns. */
  sample: SheetRow[];
}

export function planOf(text: string, separator: Separator = separatorOf(text)): Plan {
  const sample: SheetRow[] = [];
  for (const row of readSheet(text.slice(0, 200_000), separator)) {
    sample.push(row);
    if (sample.length === 20) break;
  }
  const layout = layoutOf(sample);
  const width = Math.max(1, ...(layout.header ? sample.slice(0, 1) : sample).map((r) => r.cells.length));
  const columns = layout.flat ? layout.columns : Array.from({ length: width }, (_, i) => layout.columns[i] ?? '');
  return { ...layout, columns, separator, sample };
}

export const labelProblems = (read: ReadLabels): Problem[] =>
  read.errors.map(({ kind, text }) => ({
    field: 'labels',
    rule: kind === 'pair' ? 'labelPair' : kind === 'quote' ? 'labelQuote' : 'labelTwice',
    values: { text: text.slice(0, 80) },
  }));

function rowOf(sheet: SheetRow, columns: Column[]): Row {
  const target: TargetValues = { addr: '', name: '', remark: '', labels: {}, tags: [] };
  const problems: Problem[] = [];
  let port = '';
  let labelsText: string | undefined;
  for (let i = 0; i < sheet.cells.length; i++) {
    const cell = sheet.cells[i] ?? '';
    const column = columns[i];
    if (cell === '' || column === '') continue;
    if (column === undefined) {
      problems.push({ field: 'addr', rule: 'cells', values: { count: sheet.cells.length, want: columns.length } });
      break;
    }
    switch (column) {
      case 'addr':
        target.addr = cell;
        break;
      case 'port':
        port = cell;
        break;
      case 'name':
      case 'remark':
        target[column] = cell;
        break;
      case 'tags':
        target.tags = readTags(cell);
        break;
      case 'labels': {
        const read = readLabels(cell);
        if (read.errors.length > 0) labelsText = cell;
        problems.push(...labelProblems(read));
        for (const [name, value] of Object.entries(read.labels)) if (value !== '') setLabel(target.labels, name, value);
        break;
      }
      default:
        setLabel(target.labels, column.slice('label:'.length), cell);
    }
  }
  if (port !== '' && target.addr !== '' && !/^\[[^\]]*\]:|^[^:]+:\d/.test(target.addr)) {
    target.addr =
      target.addr.includes(':') && !target.addr.startsWith('[') ? `[${target.addr}]:${port}` : `${target.addr}:${port}`;
  }
  if (sheet.open) problems.push({ field: 'remark', rule: 'quoteOpen' });
  problems.push(...checkTarget(target));
  return labelsText === undefined
    ? { line: sheet.line, target, problems }
    : { line: sheet.line, target, problems, labelsText };
}

/** Sets a label, whatever it is called ("__proto__" is a name like another). */
export function setLabel(labels: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(labels, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Lets the page draw and take input between slices of long work. */
export const breathe = () => new Promise<void>((go) => setTimeout(go));

/** How long a slice of work may take, in milliseconds. */
export const slice = 24;

/** Reads a text into rows, a slice at a time. */
export async function readRows(
  text: string,
  plan: Plan,
  progress: (share: number, rows: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Row[]> {
  const rows: Row[] = [];
  let until = performance.now() + slice;
  let first = plan.header;
  for (const sheet of readSheet(text, plan.separator)) {
    if (first) {
      first = false;
      continue;
    }
    if (plan.flat) {
      for (const cell of sheet.cells) if (cell !== '') rows.push(rowOf({ line: sheet.line, cells: [cell] }, ['addr']));
    } else rows.push(rowOf(sheet, plan.columns));
    if (performance.now() > until) {
      progress(Math.min(1, sheet.line / Math.max(1, lineCount(text))), rows.length);
      await breathe();
      if (signal?.aborted) throw signal.reason;
      until = performance.now() + slice;
    }
  }
  return rows;
}

let counted = { text: '', lines: 0 };
function lineCount(text: string): number {
  if (counted.text !== text) {
    let lines = 1;
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines++;
    counted = { text, lines };
  }
  return counted.lines;
}

/** Keeps track of rows that would be the same target, or the same to Prometheus. */
export class Sheet {
  readonly rows: Row[];
  private readonly groups = new Map<string, number[]>(); // of those that are not left out, in their order
  private bad = 0;
  private left = 0;

  private constructor(rows: Row[]) {
    this.rows = rows;
  }

  static async of(rows: Row[], signal?: AbortSignal): Promise<Sheet> {
    const sheet = new Sheet(rows);
    let until = performance.now() + slice;
    for (let i = 0; i < rows.length; i++) {
      sheet.join(i);
      if (performance.now() > until) {
        await breathe();
        if (signal?.aborted) throw signal.reason;
        until = performance.now() + slice;
      }
    }
    return sheet;
  }

  /** How many rows have something wrong, are left out, and are to be written. */
  get counts() {
    return { bad: this.bad, out: this.left, good: this.rows.length - this.bad - this.left };
  }

  private keys(row: Row): string[] {
    const { addr, name, labels } = row.target;
    return addr === '' ? [] : [`n${addr}\n${name}`, `l${addr}\n${labelsKey(labels)}`];
  }

  private count(row: Row, by: number): void {
    if (row.out) this.left += by;
    else if (row.problems.length > 0) this.bad += by;
  }

  private join(i: number): void {
    const row = this.rows[i];
    if (!row) return;
    this.count(row, 1);
    if (row.out) return;
    for (const key of this.keys(row)) {
      const group = this.groups.get(key);
      if (!group) {
        this.groups.set(key, [i]);
        continue;
      }
      const at = group.findIndex((other) => other > i);
      group.splice(at < 0 ? group.length : at, 0, i);
      this.mark(group);
    }
  }

  private leave(i: number): void {
    const row = this.rows[i];
    if (!row) return;
    this.count(row, -1);
    if (row.out) return;
    for (const key of this.keys(row)) {
      const group = this.groups.get(key);
      if (!group) continue;
      group.splice(group.indexOf(i), 1);
      if (group.length === 0) this.groups.delete(key);
      else this.mark(group);
    }
  }

  /** Says of each row of a group whether one before it is the same. */
  private mark(group: number[]): void {
    for (const i of group) {
      const row = this.rows[i];
      if (!row) continue;
      this.count(row, -1);
      row.problems = row.problems.filter((p) => p.rule !== 'twice' && p.rule !== 'merge');
      const [name, labels] = this.keys(row);
      const sameName = this.rows[this.groups.get(name ?? '')?.[0] ?? i];
      const sameLabels = this.rows[this.groups.get(labels ?? '')?.[0] ?? i];
      if (sameName && sameName !== row) {
        row.problems.push({ field: 'addr', rule: 'twice', values: { line: sameName.line } });
      } else if (sameLabels && sameLabels !== row) {
        row.problems.push({ field: 'labels', rule: 'merge', values: { line: sameLabels.line } });
      }
      this.count(row, 1);
    }
  }

  /** Takes a corrected row. */
  correct(i: number, target: TargetValues, labelsText?: string, labels: Problem[] = []): void {
    const row = this.rows[i];
    if (!row) return;
    this.leave(i);
    row.target = target;
    row.problems = [...labels, ...checkTarget(target)];
    if (labels.length > 0) row.labelsText = labelsText;
    else delete row.labelsText;
    this.join(i);
  }

  /** Leaves a row out, or takes it in again. */
  leaveOut(i: number, out: boolean): void {
    const row = this.rows[i];
    if (!row || Boolean(row.out) === out) return;
    this.leave(i);
    row.out = out;
    row.problems = row.problems.filter((p) => p.rule !== 'twice' && p.rule !== 'merge');
    this.join(i);
  }

  leaveOutBad(): void {
    for (let i = 0; i < this.rows.length; i++) {
      const row = this.rows[i];
      if (row && !row.out && row.problems.length > 0) this.leaveOut(i, true);
    }
  }

  /** Marks rows with what the server says of them. */
  refuse(i: number, problem: Problem): void {
    const row = this.rows[i];
    if (!row || row.out) return;
    this.count(row, -1);
    row.problems.push(problem);
    this.count(row, 1);
  }
}

/** What is to be written, as a body of NDJSON, and which row each line of it is. */
export async function bodyOf(sheet: Sheet): Promise<{ body: Blob; rows: number[] }> {
  const parts: string[] = [];
  const rows: number[] = [];
  let part = '';
  let until = performance.now() + slice;
  for (let i = 0; i < sheet.rows.length; i++) {
    const row = sheet.rows[i];
    if (!row || row.out || row.problems.length > 0) continue;
    const { addr, name, remark, labels, tags } = row.target;
    part += `${JSON.stringify({ addr, name, remark, labels, tags })}\n`;
    rows.push(i);
    if (performance.now() > until) {
      parts.push(part);
      part = '';
      await breathe();
      until = performance.now() + slice;
    }
  }
  parts.push(part);
  return { body: new Blob(parts, { type: 'application/x-ndjson' }), rows };
}

const place = /^(?:line|body)\[(\d+)\](?:\.(\w+))?/;

/** The row that an error of the server is about, and its field. */
export function placeOf(location: string, rows: number[]): { row: number; field: Problem['field'] } | undefined {
  const found = place.exec(location);
  const row = rows[Number(found?.[1]) - 1];
  if (!found || row === undefined) return undefined;
  const field = found[2];
  return {
    row,
    field: field === 'name' || field === 'remark' || field === 'labels' || field === 'tags' ? field : 'addr',
  };
}
