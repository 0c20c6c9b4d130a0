export interface Layout {
  size: number;
  gap: number;
  columns: number;
}

const largest = 36;
const smallest = 7;

/** The largest squares that all fit into an area; below the smallest, it scrolls. */
export function layout(count: number, width: number, height: number): Layout {
  for (let size = largest; size > smallest; size--) {
    const gap = size > 12 ? 2 : 1;
    const columns = Math.max(1, Math.floor(width / (size + gap)));
    if (Math.ceil(count / columns) * (size + gap) <= height) return { size, gap, columns };
  }
  return { size: smallest, gap: 1, columns: Math.max(1, Math.floor(width / (smallest + 1))) };
}
