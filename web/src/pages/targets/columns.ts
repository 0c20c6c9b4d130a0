import type { SheetRow } from './sheet';

/**
 * What a column is: a field of a target, the port of its address, one label
 * ("label:NAME"), several labels as k=v, or "" for what is not taken.
 */
export type Column = 'addr' | 'port' | 'name' | 'remark' | 'tags' | 'labels' | `label:${string}` | '';

export interface Layout {
  /** The first row names the columns. */
  header: boolean;
  columns: Column[];
  /** Every cell is an address. */
  flat?: boolean;
}

type Known = Exclude<Column, `label:${string}` | ''> | 'host' | 'either' | 'ignored';

const names: Record<Known, string[]> = {
  addr: [
    'addr',
    'address',
    'target',
    'targets',
    'instance',
    'endpoint',
    '__address__',
    'url',
    'host:port',
    'ip:port',
    '地址',
    '目标',
    '目标地址',
    '实例',
    '端点',
    '网址',
  ],
  host: [
    'ip',
    'host',
    'hostname',
    'ip address',
    'ip地址',
    '主机',
    '主机名',
    '主机ip',
    '主机地址',
    'server',
    '服务器',
    '域名',
    'domain',
  ],
  port: ['port', '端口', '端口号'],
  name: ['name', 'target name', 'alias', 'title', '名称', '名字', '别名', '目标名称', '目标名'],
  remark: ['remark', 'remarks', 'comment', 'comments', 'note', 'notes', 'description', '备注', '说明', '描述', '注释'],
  tags: ['tag', 'tags', '标记', '标签(tag)', '标签（tag）'],
  labels: ['label', 'labels', '标签(label)', '标签（label）'],
  either: ['标签'], // the word for both: what is in the cells decides
  ignored: ['id', 'job', 'node', 'created_at', 'updated_at', 'deleted_at'],
};

const known = new Map<string, Known>();
for (const [kind, all] of Object.entries(names)) for (const name of all) known.set(name, kind as Known);

/** The label that a column is named after. As the API names it, the rest is its name exactly. */
const labelOf = (cell: string) =>
  /^labels\.(.+)$/s.exec(cell)?.[1] ?? /^(?:labels?|标签)\s*[.:：]\s*(.+)$/is.exec(cell)?.[1];

/** A name that a label can have in any Prometheus, and that is not Prometheus's own. */
const labelName = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a text looks like the address of a target. */
export function looksLikeAddr(cell: string): boolean {
  return (
    /^[^\s,;=]+:\d{1,5}$/.test(cell) ||
    /^\d{1,3}(\.\d{1,3}){3}$/.test(cell) ||
    /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(cell) ||
    /^\[[0-9a-f:.%]+\](:\d{1,5})?$/i.test(cell)
  );
}

const looksLikeHost = (cell: string) => looksLikeAddr(cell) || /^[^\s,;=:]+(\.[^\s,;=:]+)+$/.test(cell);
const isPair = (cell: string) => /^\{?\s*("[^"]*"|[^\s=,"]+)\s*=/.test(cell);

/** How the first rows of a text are laid out. */
export function layoutOf(rows: SheetRow[]): Layout {
  const [first] = rows;
  if (!first) return { header: false, columns: ['addr'] };
  const kinds = first.cells.map((cell) => known.get(cell.trim().toLowerCase()));
  const labels = first.cells.map((cell) => labelOf(cell));
  const says = (i: number) => kinds[i] !== undefined || labels[i] !== undefined;
  const header = first.cells.some((_, i) => says(i)) && !first.cells.some((cell, i) => !says(i) && looksLikeAddr(cell));
  return header ? named(first.cells, kinds, labels, rows.slice(1)) : unnamed(rows);
}

function named(
  cells: string[],
  kinds: (Known | undefined)[],
  labels: (string | undefined)[],
  rows: SheetRow[],
): Layout {
  const taken = new Set<Column>();
  const once = (column: Column): Column => {
    if (taken.has(column)) return '';
    taken.add(column);
    return column;
  };
  // Of several that may be the address, an IP rather than a host's name.
  const hosts = cells.map((_, i) => i).filter((i) => kinds[i] === 'host');
  const host = kinds.includes('addr') ? undefined : (hosts.find((i) => /^ip/i.test(cells[i] ?? '')) ?? hosts[0]);
  const columns = cells.map((_, i): Column => {
    const name = labels[i];
    if (name !== undefined) return once(`label:${name}`);
    const kind = kinds[i];
    switch (kind) {
      case undefined:
      case 'ignored':
        return '';
      case 'host':
        return i === host ? once('addr') : '';
      case 'either':
        return once(rows.some((r) => isPair(r.cells[i] ?? '')) ? 'labels' : 'tags');
      default:
        return once(kind);
    }
  });
  // A host's name beside its address names the target, if nothing else does.
  if (!taken.has('name')) {
    const i = kinds.findIndex((kind, i) => kind === 'host' && columns[i] === '');
    if (i >= 0) columns[i] = 'name';
  }
  if (!taken.has('addr')) {
    const i = columns.findIndex(
      (c, i) => c === '' && rows.length > 0 && rows.every((r) => looksLikeHost(r.cells[i] ?? '')),
    );
    if (i >= 0) columns[i] = 'addr';
  }
  // What has a name of its own is a label of that name.
  for (const [i, cell] of cells.entries()) {
    const name = cell.trim();
    if (kinds[i] === undefined && columns[i] === '' && labelName.test(name)) columns[i] = once(`label:${name}`);
  }
  return { header: true, columns };
}

function unnamed(rows: SheetRow[]): Layout {
  const width = Math.max(...rows.map((r) => r.cells.length));
  const column = (i: number) => rows.map((r) => r.cells[i] ?? '').filter((cell) => cell !== '');
  if (width > 1 && rows.every((r) => r.cells.every((cell) => cell === '' || looksLikeAddr(cell)))) {
    return { header: false, columns: ['addr'], flat: true };
  }
  const share = (i: number, is: (cell: string) => boolean) => {
    const cells = column(i);
    return cells.length === 0 ? 0 : cells.filter(is).length / cells.length;
  };
  const indices = Array.from({ length: width }, (_, i) => i);
  const best = (is: (cell: string) => boolean) => {
    const at = indices.reduce((a, b) => (share(b, is) > share(a, is) ? b : a), 0);
    return share(at, is) > 0.5 ? at : undefined;
  };
  const addr = best(looksLikeAddr) ?? best(looksLikeHost) ?? 0;
  const texts: Column[] = ['name', 'remark', 'tags'];
  let pairs = false;
  const columns = indices.map((i): Column => {
    if (i === addr) return 'addr';
    if (!pairs && share(i, isPair) > 0.5) {
      pairs = true;
      return 'labels';
    }
    if (
      i === addr + 1 &&
      share(i, (cell) => /^\d{1,5}$/.test(cell)) === 1 &&
      share(addr, (c) => /:\d+$/.test(c)) === 0
    ) {
      return 'port';
    }
    return column(i).length === 0 ? '' : (texts.shift() ?? '');
  });
  return { header: false, columns };
}
