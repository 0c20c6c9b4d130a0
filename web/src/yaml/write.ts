import { Document, isScalar, isSeq, parseDocument, visit } from 'yaml';

/** The order that people write fields in; others stand where they are, after "…". */
const order: Record<string, string[]> = {
  scrape_config: [
    'scrape_interval',
    'scrape_timeout',
    'scheme',
    'metrics_path',
    'params',
    'honor_labels',
    'honor_timestamps',
    'basic_auth',
    'authorization',
    'oauth2',
    'tls_config',
    '…',
    'static_configs',
    'relabel_configs',
    'metric_relabel_configs',
  ],
  basic_auth: ['username', 'username_file', 'password', 'password_file', '…'],
  rule: ['source_labels', 'separator', 'regex', 'modulus', 'target_label', 'replacement', 'action'],
};

function rank(list: string[], key: string): number {
  const at = list.indexOf(key);
  return at < 0 ? list.indexOf('…') : at;
}

function sorted(value: unknown, list: string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => rank(list, a) - rank(list, b));
  return Object.fromEntries(entries);
}

/** Whole numbers that a double does not hold. */
const long = /(?<![\w.])-?\d{16,}(?![\w.])/;

/** Reads JSON without losing digits. */
export function readJson(text: string): unknown {
  if (!long.test(text)) return JSON.parse(text);
  return parseDocument(text, { schema: 'json', intAsBigInt: true }).toJS({ maxAliasCount: 0 });
}

function spell(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(spell).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([k, v]) => `${JSON.stringify(k)}:${spell(v)}`).join(',')}}`;
}

/** The one spelling of a JSON text. */
export const canonical = (json: string) => spell(readJson(json));

/** The scrape_config of a job as it was read, in its one spelling. */
export const configOf = (job: string) => spell((readJson(job) as { scrape_config: unknown }).scrape_config ?? {});

function inOrder(config: unknown): Record<string, unknown> {
  const root = sorted(config, order.scrape_config ?? []) as Record<string, unknown> | null;
  if (typeof root !== 'object' || root === null) return {};
  if (root.basic_auth) root.basic_auth = sorted(root.basic_auth, order.basic_auth ?? []);
  for (const key of ['relabel_configs', 'metric_relabel_configs']) {
    const rules = root[key];
    if (Array.isArray(rules)) root[key] = rules.map((r) => sorted(r, order.rule ?? []));
  }
  return root;
}

function write(root: Record<string, unknown>): string {
  if (Object.keys(root).length === 0) return '';
  const doc = new Document(root, { version: '1.1', aliasDuplicateObjects: false });
  visit(doc, {
    // Lists of label names are short, and read best in a line.
    Pair(_, pair) {
      if (isScalar(pair.key) && pair.key.value === 'source_labels' && isSeq(pair.value)) pair.value.flow = true;
    },
  });
  return doc.toString({ lineWidth: 0, flowCollectionPadding: false, directives: false });
}

/**
 * A scrape_config as YAML, in the order that people write it. Text that YAML 1.1 would
 * take for something else is quoted, since that is how Prometheus reads it.
 */
export const writeYaml = (config: unknown) => write(inOrder(config));

/** What people set of a job, as YAML; nothing if there is no job. */
export function writeJob(job: unknown): string {
  if (typeof job !== 'object' || job === null) return '';
  const { key, job_name, remark, contacts, managed_by, targets_managed_by, scrape_config } = job as Record<
    string,
    unknown
  >;
  const said = { key, job_name, remark, contacts, managed_by, targets_managed_by };
  const set = Object.entries(said).filter(
    ([, v]) => v !== undefined && v !== '' && !(Array.isArray(v) && v.length === 0),
  );
  return write({ ...Object.fromEntries(set), scrape_config: inOrder(scrape_config) });
}
