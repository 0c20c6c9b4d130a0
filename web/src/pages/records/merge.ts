import type { Values } from './fields';

export type Side = 'theirs' | 'mine';

/** The fields in which two versions differ. */
export const differing = (keys: string[], a: Values, b: Values) => keys.filter((key) => a[key] !== b[key]);

/** What is saved now, with those fields as edited that were chosen so. */
export function merged(theirs: Values, mine: Values, sides: Record<string, Side>): Values {
  const all = { ...theirs };
  for (const [key, side] of Object.entries(sides)) {
    const value = mine[key];
    if (side === 'mine' && value !== undefined) all[key] = value;
  }
  return all;
}

/** The fields that an edit has changed, as a merge patch. */
export const patchOf = (base: Values, values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== base[key]));
