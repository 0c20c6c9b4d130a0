/** A row of a table: its key, and where it is. */
export interface Row {
  index: number;
  key: string;
}

/** A row as an address says it: the number that people count by, and the key. */
export const rowText = ({ index, key }: Row) => `${index + 1}_${key}`;

export function rowOf(text?: string): Row | undefined {
  const [, number, key] = /^([1-9]\d{0,8})_(.+)$/s.exec(text ?? '') ?? [];
  return number === undefined || key === undefined ? undefined : { index: Number(number) - 1, key };
}

/** Where a row is that was at a place once: there still, or not far from there. */
export function findRow({ index, key }: Row, keyAt: (index: number) => string | undefined, near: number) {
  for (let by = 0; by <= near; by++) {
    if (keyAt(index + by) === key) return index + by;
    if (index >= by && keyAt(index - by) === key) return index - by;
  }
  return -1;
}
