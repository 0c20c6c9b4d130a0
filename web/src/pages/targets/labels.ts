/** Labels as people write them: zone="b", rack="a 1". */
export interface ReadLabels {
  labels: Record<string, string>;
  /** What could not be read, each with where it begins in the text. */
  errors: { at: number; kind: 'pair' | 'quote' | 'twice'; text: string }[];
}

const bare = /^[^\s="{},;，；]+$/u;

/** A label as text that readLabels takes back. */
const written = (name: string, value: string) =>
  `${bare.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`;

export function writeLabels(labels: Record<string, string> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([name, value]) => written(name, value))
    .join(' ');
}

const between = /[\s,;，；]/u;

/**
 * Reads k=v and k="v", with spaces, commas, semicolons or line breaks between them, in
 * braces or not. A value without quotes ends at the next of these.
 */
export function readLabels(text: string): ReadLabels {
  const labels: Record<string, string> = Object.create(null);
  const errors: ReadLabels['errors'] = [];
  let from = 0;
  let to = text.length;
  const braces = /^\s*\{([\s\S]*)\}\s*$/.exec(text);
  if (braces) {
    from = text.indexOf('{') + 1;
    to = text.lastIndexOf('}');
  }
  let i = from;
  const quoted = (): string | undefined => {
    let end = i + 1;
    while (end < to && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    if (end >= to) return undefined;
    const raw = text.slice(i, end + 1);
    i = end + 1;
    try {
      return JSON.parse(raw.replaceAll('\n', '\\n').replaceAll('\t', '\\t')) as string;
    } catch {
      return raw.slice(1, -1);
    }
  };
  while (i < to) {
    if (between.test(text[i] ?? '')) {
      i++;
      continue;
    }
    const start = i;
    let name: string | undefined;
    if (text[i] === '"') {
      name = quoted();
    } else {
      while (i < to && text[i] !== '=' && !between.test(text[i] ?? '')) i++;
      name = text.slice(start, i);
    }
    while (i < to && /[ \t]/.test(text[i] ?? '')) i++;
    if (name === undefined || name === '' || text[i] !== '=') {
      if (name === undefined) i = to;
      else if (name === '') i++;
      errors.push({ at: start, kind: name === undefined ? 'quote' : 'pair', text: text.slice(start, i).trim() });
      continue;
    }
    i++;
    while (i < to && /[ \t]/.test(text[i] ?? '')) i++;
    let value: string | undefined;
    if (text[i] === '"') {
      value = quoted();
    } else {
      const begin = i;
      while (i < to && !between.test(text[i] ?? '')) i++;
      value = text.slice(begin, i);
    }
    if (value === undefined) {
      errors.push({ at: start, kind: 'quote', text: text.slice(start, to) });
      break;
    }
    if (name in labels) errors.push({ at: start, kind: 'twice', text: name });
    labels[name] = value;
  }
  return { labels: { ...labels }, errors };
}

/** Tags as people write them, with commas between them; without one, with another separator. */
export function readTags(text: string): string[] {
  const tags = text
    .split(text.includes(',') ? /[,\n]/ : /[，、;；\n]/u)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  return [...new Set(tags)].sort();
}

/** A last comma keeps a lone tag whole that has another separator in it. */
export function writeTags(tags: string[] | null | undefined, between = ', '): string {
  const text = (tags ?? []).join(between);
  return tags?.length === 1 && /[，、;；]/u.test(text) ? `${text},` : text;
}
