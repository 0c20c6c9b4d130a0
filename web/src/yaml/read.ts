import i18next from 'i18next';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Fields, Schema } from './schema';

/** What is wrong with a text, and where in it. */
export interface Fault {
  from: number;
  to: number;
  message: string;
}

class Refused extends Error {
  constructor(
    readonly at: Node | null | undefined,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads YAML as it is written: what a plain word means depends on the field that it is
 * the value of, so all of them stay text here.
 */
export function readYaml(text: string): { doc: Document.Parsed; faults: Fault[] } {
  const doc = parseDocument(text, { schema: 'failsafe', prettyErrors: false, logLevel: 'error' });
  const faults = doc.errors.map(
    ({ pos, code, message }): Fault => ({
      from: pos[0],
      to: Math.max(pos[1], pos[0]),
      message: i18next.t(`yaml.fault.${code}`, { message }),
    }),
  );
  return { doc, faults };
}

/** Beyond this, aliases are taken to be meant to blow a document up. */
const maxNodes = 100_000;

/**
 * The JSON that a scrape_config in YAML is, as the server makes it of a file: words and
 * numbers by the type of their field, as Prometheus reads them (yes is true where a bool
 * belongs, and the text "yes" where a label's value does), numbers digit by digit,
 * aliases and merge keys written out. Comments are lost.
 */
export function toJson(doc: Document.Parsed, fields: Fields): { json: string } | { fault: Fault } {
  let left = maxNodes;
  const scalar = (n: Scalar, schema: Schema | undefined): string => {
    const plain = n.type === Scalar.PLAIN || n.type === undefined;
    const source = plain ? (n.source ?? String(n.value ?? '')) : String(n.value ?? '');
    if (n.tag === 'tag:yaml.org,2002:binary') throw new Refused(n, i18next.t('yaml.binary'));
    if (!plain || n.tag === 'tag:yaml.org,2002:str') return JSON.stringify(source);
    if (/^(~|null|Null|NULL)?$/.test(source)) return 'null';
    switch (fields.kind(schema)) {
      case 'bool':
        return truth(source) ?? JSON.stringify(source);
      case 'number':
        return number(source) ?? JSON.stringify(source);
      case 'any':
        return truth(source) ?? number(source) ?? JSON.stringify(source);
      default:
        return JSON.stringify(source);
    }
  };
  const resolve = (n: Alias): Node => {
    const target = n.resolve(doc);
    if (!target) throw new Refused(n, i18next.t('yaml.anchor', { name: n.source }));
    return target;
  };
  const map = (n: YAMLMap, schema: Schema | undefined, depth: number): Map<string, string> => {
    const all = new Map<string, string>();
    const merges: Node[] = [];
    for (const pair of n.items as Pair<Node, Node | null>[]) {
      const key = isAlias(pair.key) ? resolve(pair.key) : pair.key;
      if (!isScalar(key)) throw new Refused(key, i18next.t('yaml.fieldName'));
      const name = String(key.value ?? '');
      if (name === '<<' && key.type === Scalar.PLAIN) {
        if (pair.value) merges.push(pair.value);
        continue;
      }
      all.set(name, value(pair.value, schema && fields.field(schema, name), depth + 1));
    }
    for (const m of merges) merge(all, m, schema, depth + 1);
    return all;
  };
  const merge = (all: Map<string, string>, from: Node, schema: Schema | undefined, depth: number): void => {
    const n = isAlias(from) ? resolve(from) : from;
    if (isSeq(n)) {
      for (const item of n.items as Node[]) merge(all, item, schema, depth + 1);
    } else if (isMap(n)) {
      for (const [name, v] of map(n, schema, depth)) if (!all.has(name)) all.set(name, v);
    } else {
      throw new Refused(from, i18next.t('yaml.merge'));
    }
  };
  const value = (n: Node | null | undefined, schema: Schema | undefined, depth: number): string => {
    if (left-- <= 0 || depth > 200) throw new Refused(n, i18next.t('yaml.large'));
    if (!n) return 'null';
    if (isAlias(n)) return value(resolve(n), schema, depth + 1);
    if (isMap(n)) {
      const members = [...map(n, schema, depth)].map(([name, v]) => `${JSON.stringify(name)}:${v}`);
      return `{${members.join(',')}}`;
    }
    if (isSeq(n)) {
      const element = schema && fields.element(schema);
      return `[${(n.items as Node[]).map((item) => value(item, element, depth + 1)).join(',')}]`;
    }
    return isScalar(n) ? scalar(n, schema) : 'null';
  };
  try {
    const root = doc.contents as Node | null;
    if (root === null || (isScalar(root) && root.type === Scalar.PLAIN && !root.source)) return { json: '{}' };
    if (!isMap(isAlias(root) ? resolve(root) : root)) throw new Refused(root, i18next.t('yaml.mapping'));
    return { json: value(root, fields.root, 0) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const [from, to] = error.at?.range ?? [0, 0];
    return { fault: { from, to, message: error.message } };
  }
}

/** The words of YAML 1.1 for true and false. */
const words = new Map<string, string>();
for (const [list, is] of [
  ['y yes true on', 'true'],
  ['n no false off', 'false'],
] as const) {
  for (const w of list.split(' ')) {
    for (const spelled of [w, w.toUpperCase(), `${w[0]?.toUpperCase()}${w.slice(1)}`]) words.set(spelled, is);
  }
}

const truth = (s: string) => words.get(s);

/** A number of YAML 1.1 (0x1F, 017, 1_000, .5) as JSON writes it. */
function number(s: string): string | undefined {
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(s)) return s;
  const digits = s.replaceAll('_', '');
  const whole = /^([-+]?)(0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9]\d*)$/.exec(digits);
  if (whole?.[2]) {
    const value = BigInt(whole[2].replace(/^0[oO]?(?=[0-7])/, '0o'));
    return String(whole[1] === '-' ? -value : value);
  }
  if (/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(digits)) {
    const value = Number(digits);
    if (Number.isFinite(value)) return String(value);
  }
  return undefined;
}

/** Whether a document has comments, which a record does not keep. */
export function hasComments(doc: Document.Parsed): boolean {
  let found = Boolean(doc.commentBefore || doc.comment);
  visit(doc, {
    Node(_, n) {
      if (!n.comment && !n.commentBefore) return undefined;
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}
