import { guard } from './guard';
import { writeTags } from './labels';
import { breathe, slice } from './rows';
import type { TargetValues } from './rules';

const quotes = /^\s|\s$|[",;\t\r\n]/;

function field(text: string): string {
  const cell = guard(text);
  return quotes.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export interface CsvTarget extends TargetValues {
  /** Of what is exported over several jobs: told, and not read back. */
  job?: string;
  node?: string;
}

/**
 * Targets as CSV that spreadsheets open, with the columns that the API takes. It begins
 * with a byte order mark, without which some take it for another encoding.
 */
export async function csvOf(targets: CsvTarget[], where: boolean): Promise<Blob> {
  const labels = new Set<string>();
  let until = performance.now() + slice;
  const rest = async () => {
    if (performance.now() < until) return;
    await breathe();
    until = performance.now() + slice;
  };
  for (const target of targets) {
    for (const name of Object.keys(target.labels)) labels.add(name);
    await rest();
  }
  const names = [...labels].sort();
  const header = [
    'addr',
    'name',
    'remark',
    'tags',
    ...names.map((n) => `labels.${n}`),
    ...(where ? ['job', 'node'] : []),
  ];
  const parts = ['\ufeff', `${header.map(field).join(',')}\r\n`];
  for (const t of targets) {
    const cells = [
      t.addr,
      t.name,
      t.remark,
      writeTags(t.tags, ','),
      ...names.map((n) => (Object.hasOwn(t.labels, n) ? (t.labels[n] ?? '') : '')),
    ];
    if (where) cells.push(t.job ?? '', t.node ?? '');
    parts.push(`${cells.map(field).join(',')}\r\n`);
    await rest();
  }
  return new Blob(parts, { type: 'text/csv;charset=utf-8' });
}
