/** What is used of JSON Schema (2020-12). */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  examples?: unknown[];
  default?: unknown;
  pattern?: string;
  description?: string;
}

/** A step down a document: the key of a mapping, or into a list. */
export type Step = string | number;

/** How a value is written. */
export type Kind = 'text' | 'bool' | 'number' | 'duration' | 'size' | 'words' | 'list' | 'object' | 'any';

const kinds: Record<string, Kind> = {
  text: 'text',
  bool: 'bool',
  number: 'number',
  count: 'number',
  duration: 'duration',
  goDuration: 'duration',
  size: 'size',
};

/** The fields that there may be in a document, as the server tells of them. */
export class Fields {
  constructor(
    readonly root: Schema,
    private readonly defs: Record<string, Schema>,
  ) {}

  /** The fields of a scrape_config, out of the schema of fleet files. */
  static ofScrapeConfig(whole: Schema): Fields {
    const defs = whole.$defs ?? {};
    return new Fields(defs.scrape_config ?? {}, defs);
  }

  private name(schema: Schema): string | undefined {
    return schema.$ref?.replace('#/$defs/', '');
  }

  /** What a schema refers to. */
  open(schema: Schema): Schema {
    let s = schema;
    for (let name = this.name(s); name !== undefined; name = this.name(s)) s = this.defs[name] ?? {};
    // One of several: the first says most, the others are other ways to write it.
    return s.anyOf?.[0] ? this.open(s.anyOf[0]) : s;
  }

  /** The field of a mapping. */
  field(schema: Schema, key: string): Schema | undefined {
    const s = this.open(schema);
    if (s.properties && Object.hasOwn(s.properties, key)) return s.properties[key];
    return typeof s.additionalProperties === 'object' ? s.additionalProperties : undefined;
  }

  /** The elements of a list. */
  element(schema: Schema): Schema | undefined {
    return this.open(schema).items;
  }

  at(path: Step[]): Schema | undefined {
    let s: Schema | undefined = this.root;
    for (const step of path) {
      if (s === undefined) return undefined;
      s = typeof step === 'string' ? this.field(s, step) : this.element(s);
    }
    return s;
  }

  kind(schema: Schema | undefined): Kind {
    if (schema === undefined) return 'any';
    const name = this.name(schema);
    if (name !== undefined && kinds[name]) return kinds[name];
    const s = this.open(schema);
    if (s.enum) return 'words';
    const types = Array.isArray(s.type) ? s.type : [s.type];
    if (types.includes('array')) return 'list';
    if (types.includes('object')) return 'object';
    return 'any';
  }

  /** The values that may be offered for a field, or for the elements of a list. */
  words(schema: Schema): string[] {
    const kind = this.kind(schema);
    if (kind === 'bool') return ['true', 'false'];
    const element = kind === 'list' ? this.element(schema) : undefined;
    if (element) return this.words(element);
    const s = this.open(schema);
    return (schema.examples ?? s.enum ?? s.examples ?? []).map(String);
  }
}
