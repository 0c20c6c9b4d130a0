import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, visit } from 'yaml';
import type { Fault } from './read';
import type { Step } from './schema';

/** Takes a path of the server's apart: relabel_configs[0].regex, params["match[]"][1]. */
export function splitPath(path: string): Step[] {
  const steps: Step[] = [];
  const each = /\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.[\]]+)/gy;
  for (let m = each.exec(path); m; m = each.exec(path)) {
    if (m[1] !== undefined) steps.push(unquoted(m[1]));
    else if (m[2] !== undefined) steps.push(Number(m[2]));
    else steps.push(m[3] ?? '');
  }
  return steps;
}

function unquoted(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

type Found = { key?: Node; value?: Node | null };

/** The key and the value at the end of a path, or as far as the document goes. */
function find(doc: Document.Parsed, steps: Step[]): Found & { whole: boolean } {
  let at: Found = { value: doc.contents as Node | null };
  for (const step of steps) {
    const n = isAlias(at.value) ? at.value.resolve(doc) : at.value;
    let next: Found | undefined;
    if (isMap(n)) {
      const pair = (n.items as Pair<Node, Node | null>[]).find((p) => isScalar(p.key) && String(p.key.value) === step);
      if (pair) next = { key: pair.key, value: pair.value };
    } else if (isSeq(n) && typeof step === 'number' && n.items[step] !== undefined) {
      next = { value: n.items[step] as Node };
    }
    if (!next) return { ...at, whole: false };
    at = next;
  }
  return { ...at, whole: true };
}

/** The key that a message is about, by its name: "scrape timeout greater than …". */
function mentioned(doc: Document.Parsed, message: string): Found | undefined {
  let best: (Found & { at: number }) | undefined;
  visit(doc, {
    Pair(_, pair) {
      if (!isScalar(pair.key)) return;
      const name = String(pair.key.value);
      for (const word of [name, name.replaceAll('_', ' ')]) {
        const at = message.search(new RegExp(`(?<![\\w])${word.replace(/[^\w ]/g, '\\$&')}(?![\\w])`));
        if (word.length > 2 && at >= 0 && (!best || at < best.at)) {
          best = { key: pair.key, value: pair.value as Node | null, at };
        }
      }
    },
  });
  return best;
}

const range = (n: Node | null | undefined): [number, number] | undefined =>
  n?.range ? [n.range[0], n.range[1]] : undefined;

/** From where to where a field goes that a path names, or as much of the path as there is. */
export function rangeOf(doc: Document.Parsed, path: string): [number, number] | undefined {
  const found = find(doc, splitPath(path));
  return range(found.value) ?? range(found.key);
}

/**
 * Where in the text a fault is that the server found in the scrape_config. Lines that
 * Prometheus names are of the file that the server made, and say nothing here.
 */
export function placeOf(doc: Document.Parsed, text: string, location: string, message: string): Fault {
  const path = location.replace(/^body\.scrape_config\.?/, '');
  const found = find(doc, splitPath(path));
  const chosen: Found = path === '' ? (mentioned(doc, message) ?? {}) : found;
  // A field that there is not is the key; a value that is no good is the value.
  const byKey = /^field .* not found/.test(message) || !found.whole || !isScalar(chosen.value);
  const place = (byKey && range(chosen.key)) || range(chosen.value) || range(chosen.key);
  if (!place || (path === '' && !chosen.key)) {
    const end = text.indexOf('\n');
    return { from: 0, to: end < 0 ? text.length : end, message };
  }
  const [from, to] = place;
  // Of what takes more lines, the first is marked.
  const line = text.indexOf('\n', from);
  return { from, to: line < 0 ? to : Math.max(from, Math.min(to, line)), message };
}
