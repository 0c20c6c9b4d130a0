import i18next from 'i18next';
import type { components } from './schema';

export type Problem = components['schemas']['Problem'];
export type ProblemField = components['schemas']['ProblemField'];

/** An error of the API (RFC 9457): its sentence, and what is wrong with which field. */
export class ApiError extends Error {
  readonly status: number;
  readonly fields: ProblemField[];
  /** Seconds after which to try again; undefined: the server does not say. */
  readonly retryAfter?: number;

  constructor(status: number, detail: string, fields: ProblemField[] = [], retryAfter?: number) {
    super(detail);
    this.name = 'ApiError';
    this.status = status;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  /** What is wrong with a field, given as "body.name"; those below it count too. */
  at(location: string): string | undefined {
    return this.of(location)?.message;
  }

  /** What is left to be said beside fields that say what is wrong with them; null: nothing. */
  beside(locations: string[]): ApiError | null {
    const said = locations.map((location) => this.of(location));
    const rest = this.fields.filter((f) => !said.includes(f));
    if (rest.length === this.fields.length) return this;
    return rest.length === 0 ? null : new ApiError(this.status, this.message, rest, this.retryAfter);
  }

  private of(location: string): ProblemField | undefined {
    return this.fields.find((f) => f.location === location || f.location.startsWith(`${location}.`));
  }
}

/** The record is not what it was when it was read (412): two versions are to be brought together. */
export class StaleError extends ApiError {}

/** The session has ended, or there is none (401). */
export class LoginNeeded extends ApiError {}

/** What a call was to do: to read, to see what a write would do, or to write. */
export type Purpose = 'read' | 'try' | 'write';

/** Questions that are asked by POST. */
const questions = ['/api/v1/explain', '/api/v1/targets/health'];

export function purposeOf({ method, url }: { method: string; url: string }): Purpose {
  const { pathname, searchParams } = new URL(url);
  if (method === 'GET' || questions.some((q) => pathname.endsWith(q))) return 'read';
  return searchParams.get('dry_run') === 'true' ? 'try' : 'write';
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  readonly purpose: Purpose;

  constructor(purpose: Purpose = 'read') {
    super(i18next.t('error.unreachable'));
    this.name = 'Unreachable';
    this.purpose = purpose;
  }
}

/** What comes of reading an answer that breaks off, or is none of the API's; anything else is thrown as it is. */
export function unread(error: unknown): never {
  if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  throw new Error(i18next.t('error.unread'), { cause: error });
}

/** Makes an error of an answer. What is no problem document is told by its status. */
export function errorOf(status: number, body: unknown, retryAfter: string | null = null): ApiError {
  const p = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  const detail = typeof p.detail === 'string' && p.detail !== '' ? p.detail : i18next.t('error.status', { status });
  const fields = Array.isArray(p.errors) ? p.errors : [];
  const after = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined;
  if (status === 412) return new StaleError(status, detail, fields, after);
  if (status === 401) return new LoginNeeded(status, detail, fields, after);
  return new ApiError(status, detail, fields, after);
}

/** Whether the same may be tried again: what was refused for what it is stays so. */
export const mayPass = (error: unknown) =>
  !(error instanceof ApiError) || error.status >= 500 || error.status === 408 || error.status === 429;

/** The sentence that a user is shown: that of the API, unchanged, with its fields. */
export function sentence(error: unknown): string {
  if (error instanceof ApiError) {
    const fields = error.fields.map((f) => (f.location ? `${f.location}: ${f.message}` : f.message));
    return [error.message, ...fields].join('\n');
  }
  return error instanceof Error ? error.message : String(error);
}
