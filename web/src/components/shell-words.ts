import { serverUrl } from '../page';

// What would end a quote, be unseen or turn the direction of the text around it.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const escaped = (text: string) =>
  [...text]
    .map((c) => {
      if (c === '\\' || c === "'") return `\\${c}`;
      if (!unseen.test(c)) return c;
      const code = c.codePointAt(0) ?? 0;
      return code > 0xffff
        ? `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`
        : `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
    })
    .join('');

/** A word of a command line, quoted for a shell (sh; what is unseen in it, for bash and zsh). */
export function word(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (unseen.test(text)) return `$'${escaped(text)}'`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command of promfleet's with its arguments, each quoted where it must be. */
export const promfleet = (...args: (string | number)[]) => ['promfleet', ...args.map((a) => word(String(a)))].join(' ');

type Query = Record<string, string | number | boolean | string[] | undefined>;

interface Call {
  query?: Query;
  body?: unknown;
  etag?: string; // for If-Match
}

/** A path of the API with its parameters. */
export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const v of Array.isArray(value) ? value : [value]) if (v !== undefined) params.append(name, String(v));
  }
  const asked = params.toString();
  return `${serverUrl}/api/v1${path}${asked ? `?${asked}` : ''}`;
}

/** A JSON text in which nothing is unseen. */
const json = (body: unknown) =>
  [...JSON.stringify(body)]
    .map((c) =>
      unseen.test(c)
        ? Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
        : c,
    )
    .join('');

/** A call of the API as a line of curl; the token stays in the shell's $TOKEN. */
export function curl(method: string, path: string, { query, body, etag }: Call = {}): string {
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', method);
  parts.push('-H', '"Authorization: Bearer $TOKEN"');
  if (etag) parts.push('-H', word(`If-Match: ${etag}`));
  if (body !== undefined) {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    parts.push('-H', word(`Content-Type: ${type}`), '-d', word(json(body)));
  }
  parts.push(word(address(path, query)));
  return parts.join(' ');
}
