/**
 * The rules of the contract that need no look at other records, so that a bad row is
 * marked while it is typed. The server has the last word: what it refuses is marked too.
 */

export type Field = 'addr' | 'name' | 'remark' | 'labels' | 'tags';

/** What is wrong with a field: a text of ours below targets.rule, or the server's own sentence. */
export interface Problem {
  field: Field;
  rule?: Rule;
  values?: Record<string, string | number>;
  message?: string;
}

export type Rule =
  | 'addrMissing'
  | 'addrSpace'
  | 'addrLong'
  | 'addrUrl'
  | 'addrPath'
  | 'addrV6'
  | 'addrNoBrackets'
  | 'addrBracketPort'
  | 'addrColons'
  | 'addrHost'
  | 'addrEnds'
  | 'addrPort'
  | 'long'
  | 'control'
  | 'labelsMany'
  | 'labelReserved'
  | 'labelAddress'
  | 'labelLong'
  | 'labelNul'
  | 'labelPair'
  | 'labelQuote'
  | 'labelTwice'
  | 'tagsMany'
  | 'twice'
  | 'merge'
  | 'cells'
  | 'quoteOpen';

export interface TargetValues {
  addr: string;
  name: string;
  remark: string;
  labels: Record<string, string>;
  tags: string[];
}

export const most = { name: 512, remark: 10_000, addr: 2048, labels: 64, value: 4096, tags: 64, tag: 128 };

const encoder = new TextEncoder();

const over = (text: string, limit: number) => text.length * 3 > limit && encoder.encode(text).length > limit;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const controlInLines = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
// White space, control and format characters, and what is not assigned, as Go's IsPrint has it.
const unprintable = /[\s\p{C}\p{Z}]/u;
const ascii = /^[!-~]*$/;
const scheme = /^[A-Za-z][0-9A-Za-z+.-]*:\/\//;

type Found = { rule: Rule; values?: Problem['values'] } | undefined;

function port(text: string): Found {
  if (!/^\d+$/.test(text) || Number(text) > 65_535) return { rule: 'addrPort', values: { port: text } };
  return undefined;
}

/** Whether a text is an IPv6 address, as far as can be told without a library for it. */
function v6(text: string): boolean {
  const [address = ''] = text.split('%');
  if (!/^[0-9a-fA-F:.]+$/.test(address) || !address.includes(':')) return false;
  try {
    return new URL(`http://[${address}]/`).hostname !== '';
  } catch {
    return false;
  }
}

/** What is wrong with an address: host, host:port, [v6]:port, or a URL for a probe. */
export function checkAddr(addr: string): Found {
  if (addr === '') return { rule: 'addrMissing' };
  if (over(addr, most.addr)) return { rule: 'addrLong', values: { limit: most.addr } };
  if (!ascii.test(addr) && unprintable.test(addr)) return { rule: 'addrSpace' };
  if (scheme.test(addr)) {
    const authority = /^[^:]+:\/\/([^/?#]*)/.exec(addr)?.[1] ?? '';
    const host = authority.slice(authority.lastIndexOf('@') + 1);
    if (host === '' || host.startsWith(':')) return { rule: 'addrUrl' };
    if (host.endsWith(':')) return { rule: 'addrEnds' };
    const at = host.lastIndexOf(':');
    return at > host.lastIndexOf(']') ? port(host.slice(at + 1)) : undefined;
  }
  if (addr.includes('/')) return { rule: 'addrPath' };
  if (addr.startsWith('[')) {
    const end = addr.indexOf(']');
    if (end < 0 || !v6(addr.slice(1, end))) return { rule: 'addrV6' };
    const rest = addr.slice(end + 1);
    if (rest === '') return undefined;
    if (!rest.startsWith(':')) return { rule: 'addrBracketPort' };
    return rest === ':' ? { rule: 'addrEnds' } : port(rest.slice(1));
  }
  const parts = addr.split(':');
  if (parts.length > 2) return v6(addr) ? { rule: 'addrNoBrackets', values: { addr } } : { rule: 'addrColons' };
  if (parts[0] === '') return { rule: 'addrHost' };
  if (parts.length === 1) return undefined;
  return parts[1] === '' ? { rule: 'addrEnds' } : port(parts[1] ?? '');
}

/** All that is wrong with a target by itself. */
export function checkTarget(target: TargetValues): Problem[] {
  const found: Problem[] = [];
  const add = (field: Field, problem: Found) => {
    if (problem) found.push({ field, ...problem });
  };
  add('addr', checkAddr(target.addr));
  if (over(target.name, most.name)) add('name', { rule: 'long', values: { limit: most.name } });
  else if (control.test(target.name)) add('name', { rule: 'control' });
  if (over(target.remark, most.remark)) add('remark', { rule: 'long', values: { limit: most.remark } });
  else if (controlInLines.test(target.remark)) add('remark', { rule: 'control' });
  const labels = Object.entries(target.labels);
  if (labels.length > most.labels) add('labels', { rule: 'labelsMany', values: { limit: most.labels } });
  for (const [name, value] of labels) {
    if (name.startsWith('__meta_') || name.startsWith('__tmp')) {
      add('labels', { rule: 'labelReserved', values: { name } });
    } else if (name === '__address__') add('labels', { rule: 'labelAddress' });
    else if (over(value, most.value)) add('labels', { rule: 'labelLong', values: { name, limit: most.value } });
    else if (value.includes('\0')) add('labels', { rule: 'labelNul', values: { name } });
  }
  if (target.tags.length > most.tags) add('tags', { rule: 'tagsMany', values: { limit: most.tags } });
  for (const tag of target.tags) {
    if (over(tag, most.tag)) add('tags', { rule: 'long', values: { limit: most.tag } });
    else if (control.test(tag)) add('tags', { rule: 'control' });
  }
  return found;
}

/** Equal for equal labels: two targets with the same addr and labels are one to Prometheus. */
export function labelsKey(labels: Record<string, string>): string {
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  return JSON.stringify(
    names
      .filter((n) => labels[n] !== '')
      .sort()
      .map((n) => [n, labels[n]]),
  );
}
