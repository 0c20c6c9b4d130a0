import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';

export interface Column<T> {
  key: string;
  title: ReactNode;
  help?: string;
  width: string; // of CSS grid
  sort?: string; // the list's own name, if it can be sorted by
  cell: (item: T) => ReactNode;
  className?: string;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  total: number; // rows that are not here yet are drawn as such
  rowKey: (item: T) => string;
  more?: () => void; // asks for the rows that follow
  open?: (item: T) => void;
  edit?: (item: T) => void; // by the key e
  chosen?: string;
  sort?: string;
  onSort?: (sort: string) => void;
}

const rowHeight = 32;

/** A table that draws the rows that are seen, however many there are. j and k move, Enter opens. */
export function Grid<T>({ label, columns, rows, total, rowKey, more, open, edit, chosen, sort, onSort }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(-1);
  const virtual = useVirtualizer({
    count: Math.max(total, rows.length),
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    paddingStart: rowHeight,
    scrollPaddingStart: rowHeight,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more && last >= rows.length - 1 && rows.length < total) more();
  }, [more, last, rows.length, total]);

  const move = (to: number) => {
    const next = Math.max(0, Math.min(to, rows.length - 1));
    setAt(next);
    virtual.scrollToIndex(next);
  };
  const key = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || rows.length === 0) return;
    const steps: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 };
    const step = steps[event.key];
    const row = rows[at];
    if (step !== undefined) move(at + step);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(rows.length - 1);
    else if (event.key === 'Enter' && event.target === box.current && row && open) open(row);
    else if (event.key === 'e' && event.target === box.current && row && edit) edit(row);
    else return;
    event.preventDefault();
  };
  // j and k work without the table being focused first.
  const keyRef = useRef(key);
  keyRef.current = key;
  useEffect(() => {
    const down = (event: globalThis.KeyboardEvent) => {
      if (event.target !== document.body || (event.key !== 'j' && event.key !== 'k')) return;
      box.current?.focus({ preventScroll: true });
      keyRef.current(event as unknown as KeyboardEvent);
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, []);

  const style: CSSProperties = { gridTemplateColumns: columns.map((c) => c.width).join(' ') };
  const active = rows[at] && items.some((i) => i.index === at) ? `row-${rowKey(rows[at])}` : undefined;
  return (
    <div
      ref={box}
      className="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={total + 1}
      aria-activedescendant={active}
      tabIndex={0}
      onKeyDown={key}
    >
      <div className="inner" role="presentation" style={{ height: virtual.getTotalSize() }}>
        <div role="rowgroup">
          <div className="cells headrow" role="row" aria-rowindex={1} style={style} tabIndex={-1}>
            {columns.map((c) => (
              <Header key={c.key} column={c} sort={sort} onSort={onSort} />
            ))}
          </div>
        </div>
        <div className="rows" role="rowgroup">
          {items.map((item) => {
            const row = rows[item.index];
            const place: CSSProperties = {
              ...style,
              transform: `translateY(${item.start - rowHeight}px)`,
            };
            if (!row) {
              return (
                <div key={item.key} className="cells row" role="row" aria-busy style={place} tabIndex={-1}>
                  <span role="gridcell" className="waits" tabIndex={-1} />
                </div>
              );
            }
            const id = rowKey(row);
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the table has the keys (aria-activedescendant)
              <div
                key={id}
                id={`row-${id}`}
                className="cells row"
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={item.index === at || id === chosen}
                data-chosen={item.index === at || id === chosen || undefined}
                style={place}
                tabIndex={-1}
                onClick={(e) => {
                  if (!(e.target as HTMLElement).closest('a, button') && !window.getSelection()?.toString())
                    open?.(row);
                }}
              >
                {columns.map((c) => (
                  <div key={c.key} role="gridcell" className={c.className} tabIndex={-1}>
                    {c.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Header<T>({ column, sort, onSort }: { column: Column<T>; sort?: string; onSort?: (sort: string) => void }) {
  const by = column.sort;
  const up = by !== undefined && sort === by;
  const down = by !== undefined && sort === `-${by}`;
  return (
    <div
      role="columnheader"
      aria-sort={up ? 'ascending' : down ? 'descending' : undefined}
      className={column.className?.includes('num') ? 'num' : undefined}
      title={column.help}
      tabIndex={-1}
    >
      {by && onSort ? (
        <button type="button" onClick={() => onSort(up ? `-${by}` : by)}>
          {column.title}
          {up && <IconArrowUp size={12} aria-hidden />}
          {down && <IconArrowDown size={12} aria-hidden />}
        </button>
      ) : (
        column.title
      )}
    </div>
  );
}
