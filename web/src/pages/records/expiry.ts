const hour = 3_600_000;

/** Lives of a token to choose from, in milliseconds; never: it does not end by itself. */
export const lives = {
  hour,
  day: 24 * hour,
  week: 7 * 24 * hour,
  month: 30 * 24 * hour,
  quarter: 90 * 24 * hour,
  year: 365 * 24 * hour,
} as const;

export type Life = keyof typeof lives | 'never';

/** When a token that is made now ends, as the API takes it. */
export function expiresAt(life: string, now: number): string | undefined {
  return life in lives ? new Date(now + lives[life as keyof typeof lives]).toISOString() : undefined;
}

/** The same for --expires-in. */
export const expiresIn = (life: string) =>
  life in lives ? `--expires-in=${lives[life as keyof typeof lives] / hour}h` : undefined;
