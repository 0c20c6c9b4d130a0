/** What a list answers. */
export interface Page<T> {
  items: T[] | null;
  total: number;
}

export type Read<T> = (offset: number, limit: number, signal?: AbortSignal) => Promise<Page<T>>;

/** Rows from the first to the last, both counted. */
export interface Span {
  first: number;
  last: number;
}

/** The most rows that the API passes over (fleet.MaxOffset). */
export const maxOffset = 1_000_000;

/** The pages of the rows that are seen, and of those half a page around: scrolling on finds them there. */
export function pagesOf({ first, last }: Span, size: number, total?: number): number[] {
  const end = total === undefined ? last : Math.min(last + size / 2, Math.min(total, maxOffset + size) - 1);
  const from = Math.max(0, Math.floor((Math.min(first, Math.max(end, 0)) - size / 2) / size));
  const to = Math.max(from, Math.floor(Math.max(end, 0) / size));
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Reads a whole page: one of large rows ends early, and is gone on with. */
export async function readPage<T>(read: Read<T>, page: number, size: number, signal?: AbortSignal): Promise<Page<T>> {
  const items: T[] = [];
  for (;;) {
    const offset = page * size + items.length;
    const part = await read(offset, size - items.length, signal);
    items.push(...(part.items ?? []));
    const next = page * size + items.length;
    if (!part.items?.length || items.length >= size || next >= part.total || next > maxOffset)
      return { items, total: part.total };
  }
}

/**
 * Tells which rows are looked at. A jump counts at once; in a row of jumps, as when the
 * scrollbar is dragged, where it comes to rest: the pages that fly past are not asked for.
 */
export class Glance {
  private timer?: ReturnType<typeof setTimeout>;
  private span: Span = { first: 0, last: 0 };
  private settled = '';
  private jumped = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly size: number,
    private readonly look: (span: Span) => void,
    private readonly rest = 120,
  ) {}

  see(span: Span): void {
    const pages = this.pages(span);
    const stays = this.timer !== undefined && pages === this.pages(this.span);
    const flying = Date.now() - this.jumped < this.rest;
    this.span = span;
    if (pages === this.settled) this.settle();
    else if (!stays) {
      this.jumped = Date.now();
      clearTimeout(this.timer);
      if (flying) this.timer = setTimeout(() => this.settle(), this.rest);
      else this.settle();
    }
  }

  private pages({ first, last }: Span): string {
    return `${Math.floor(first / this.size)}-${Math.floor(last / this.size)}`;
  }

  private settle(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.settled = this.pages(this.span);
    this.look(this.span);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.settled = '';
    this.jumped = Number.NEGATIVE_INFINITY;
  }
}
