/** The height of a row, in pixels; styles/base.css says the same. */
export const rowHeight = 32;

/**
 * The largest height that an element gets: browsers stop between 17 million pixels
 * (Firefox) and 33 million (Chromium). Beyond, the scrollbar stands for more than it moves.
 */
export const maxHeight = 15_000_000;

/** Where the rows of a table are that is looked into through a window. */
export interface Places {
  /** What the scrolled element is high by. */
  height: number;
  /** How many pixels of rows a pixel of scrolling is. */
  ratio: number;
  /** The rows that are seen, if only in part. */
  first: number;
  last: number;
  /** Where a row is drawn, in the scrolled element. */
  top: (index: number) => number;
}

export function places(count: number, view: number, scroll: number): Places {
  const full = count * rowHeight;
  const height = Math.min(full, maxHeight);
  const ratio = height < full ? (full - view) / (height - view) : 1;
  const at = Math.max(0, Math.min(scroll * ratio, full - view));
  return {
    height,
    ratio,
    first: Math.min(Math.floor(at / rowHeight), Math.max(count - 1, 0)),
    last: Math.min(Math.ceil((at + view) / rowHeight), count) - 1,
    top: (index) => (ratio === 1 ? index * rowHeight : scroll + index * rowHeight - at),
  };
}

/** How far to scroll so that a row is seen whole; no further than needed. */
export function scrollTo(index: number, count: number, view: number, scroll: number): number {
  const { ratio } = places(count, view, scroll);
  const at = scroll * ratio;
  const top = index * rowHeight;
  if (top < at) return top / ratio;
  if (top + rowHeight > at + view) return (top + rowHeight - view) / ratio;
  return scroll;
}
