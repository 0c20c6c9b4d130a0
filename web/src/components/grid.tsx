import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import {
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import type { Paged } from '../data/paged';
import { inSequence, typing } from '../shell/sequence';
import { places, rowHeight, scrollTo } from './places';
import { findRow, type Row as RowPlace } from './row';
import { useRow } from './use-row';

export interface Column<T> {
  key: string;
  title: ReactNode;
  help?: string;
  width: string; // of CSS grid
  sort?: string; // the list's own name, if it can be sorted by
  cell: (item: T) => ReactNode;
  className?: string;
}

/** The rows: of a paged list, or those that are here already. */
type Rows<T> =
  | { source: Paged<T>; rows?: undefined; total?: undefined; more?: undefined }
  | {
      source?: undefined;
      rows: T[];
      total: number; // rows that are not here yet are drawn as such
      more?: () => void; // asks for the rows that follow
    };

type Props<T> = Rows<T> & {
  label: string;
  columns: Column<T>[];
  rowKey: (item: T) => string;
  open?: (item: T) => void;
  chosen?: string;
  sort?: string;
  onSort?: (sort: string) => void;
  /** The rows that are selected, by their keys; with onSelect there are boxes to tick. */
  selected?: ReadonlySet<string>;
  onSelect?: (next: ReadonlySet<string>) => void;
  /** What e does with the row. */
  onEdit?: (item: T) => void;
};

/** How many rows are drawn above and below those that are seen. */
const around = 10;

/** How far from where it was a row is looked for that the address names. */
const near = 200;

/** How many rows a selection may be extended over at once. */
const maxExtent = 10_000;

/** How many rows are drawn as waiting before it is known how many there are. */
const guessed = 20;

/** What has a use of its own for a click or Enter. */
const busy = 'a, button, input, select, textarea, [contenteditable]';

/** Whether nothing is focused but the page, or its content as a whole. */
const nowhere = (target: EventTarget | null) =>
  target === document.body || (target as Element | null)?.id === 'content';

/** How high what is seen of the rows is, below the head. */
const heightOf = (element: HTMLElement) => Math.max(rowHeight, element.clientHeight - rowHeight);

const nothing: ReadonlySet<string> = new Set();

/**
 * A table that draws the rows that are seen, however many there are. j and k move, Home,
 * End and the page keys go anywhere, Enter opens, e edits; x selects, Shift extends.
 * The row that they are at is in the address.
 */
export function Grid<T>(props: Props<T>) {
  const { label, columns, rowKey, open, chosen, sort, onSort, selected = nothing, onSelect, onEdit } = props;
  const { t } = useTranslation();
  const list = listOf(props);
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(600);
  const [scroll, setScroll] = useState(0);
  // The row that the keys are at: another filter's or another order's rows have none yet.
  const [spot, setSpot] = useState({ list: list.key, at: -1 });
  const at = spot.list === list.key ? spot.at : -1;
  const setAt = (index: number) => setSpot({ list: list.key, at: index });
  const anchor = useRef(-1); // where a selection is extended from
  const address = useRow();
  const count = list.count;
  const place = places(count, view, scroll);
  const { first, last } = place;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setView(heightOf(element));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { see } = list;
  useEffect(() => {
    if (last >= first) see(first, last);
  }, [see, first, last]);
  // Another filter's or another order's rows begin at the top.
  const shown = useRef(list.key);
  useLayoutEffect(() => {
    if (shown.current === list.key) return;
    shown.current = list.key;
    box.current?.scrollTo({ top: 0 });
    setScroll(0);
    anchor.current = -1;
    if (!address.sought.current) address.tell();
  }, [list.key, address]);

  const keyAt = (index: number) => {
    const row = list.at(index);
    return row && rowKey(row);
  };
  /** Makes a row the one that the keys are at, in the address too. */
  const stand = (index: number) => {
    setAt(index);
    address.sought.current = undefined;
    const key = keyAt(index);
    if (key !== undefined) address.tell({ index, key });
  };
  const standing = keyAt(at);
  useEffect(() => {
    if (standing !== undefined && !address.sought.current) address.tell({ index: at, key: standing });
  }, [standing, at, address]);
  const reveal = (to: number) => {
    const next = Math.max(0, Math.min(to, count - 1));
    const element = box.current;
    if (!element) return next;
    const top = scrollTo(next, count, heightOf(element), element.scrollTop);
    if (top !== element.scrollTop) element.scrollTop = top;
    return next;
  };
  const move = (to: number) => {
    const next = reveal(to);
    stand(next);
    return next;
  };
  // What the address names is looked for where it was, once that is here.
  const wentTo = useRef<RowPlace>(undefined);
  useEffect(() => {
    const row = address.sought.current;
    if (!row || !list.known || list.stale) return;
    const there = Math.min(row.index, count - 1);
    if (wentTo.current !== row) reveal(there); // once: who scrolls away is let go
    wentTo.current = row;
    if (count > 0 && keyAt(there) === undefined) return;
    address.sought.current = undefined;
    const found = findRow(row, keyAt, near);
    setAt(found < 0 ? -1 : reveal(found));
  });
  const toggle = (index: number) => {
    const key = keyAt(index);
    if (key === undefined) return;
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    anchor.current = index;
    onSelect?.(next);
  };
  /** Selects all from where the selection began up to a row. */
  const extend = (index: number) => {
    if (anchor.current < 0) anchor.current = at < 0 ? index : at;
    const began = list.key;
    // Of too many, those nearest to where it began.
    const from = Math.max(Math.min(anchor.current, index), anchor.current - maxExtent + 1);
    const to = Math.min(Math.max(anchor.current, index), anchor.current + maxExtent - 1);
    list.read(from, to).then(
      (rows) => {
        if (began === shown.current) onSelect?.(new Set([...selected, ...rows.map(rowKey)]));
      },
      () => undefined, // they could not be read: nothing is selected
    );
  };
  /** Does something that another page may follow on: who comes back is at the row again. */
  const leave = (go: (row: T) => void, row: T) => {
    address.flush();
    go(row);
  };
  const key = (event: KeyboardEvent | globalThis.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || count === 0) return;
    if (typing(event.target) && !(event.target instanceof HTMLInputElement && event.target.type === 'checkbox')) return;
    if (inSequence()) return; // g and a key go to another page
    const page = Math.max(1, Math.floor(view / rowHeight) - 1);
    // Who has scrolled away goes on with what is seen.
    const seen = at >= first && at <= last;
    const down = seen ? at + 1 : first;
    const up = seen ? at - 1 : last;
    const row = list.at(at);
    const steps: Record<string, number> = {
      j: down,
      ArrowDown: down,
      k: up,
      ArrowUp: up,
      PageDown: (seen ? at : first) + page,
      PageUp: (seen ? at : first) - page,
      Home: 0,
      End: count - 1,
    };
    const lower = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const to = steps[lower];
    if (to !== undefined && event.shiftKey && onSelect) extend(move(to));
    else if (to !== undefined && (!event.shiftKey || event.key.length > 1)) {
      anchor.current = -1;
      move(to);
    } else if (event.shiftKey) return;
    else if (event.key === 'x' && onSelect) toggle(at);
    else if (event.key === 'e' && onEdit && row) leave(onEdit, row);
    else if (event.key === 'Escape' && onSelect && selected.size > 0) onSelect(nothing);
    else if (event.key === 'Enter' && !(event.target as HTMLElement).closest(busy) && row && open) leave(open, row);
    else return;
    event.preventDefault();
  };
  // The letters work without the table being focused first.
  const keyRef = useRef(key);
  keyRef.current = key;
  useEffect(() => {
    const down = (event: globalThis.KeyboardEvent) => {
      if (event.defaultPrevented || !nowhere(event.target) || !/^([jkxe]|[JK]|Escape)$/.test(event.key)) return;
      if (document.querySelector('[role="grid"]') !== box.current || document.querySelector('[role="dialog"]')) return;
      if (event.key !== 'Escape') box.current?.focus({ preventScroll: true });
      keyRef.current(event);
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, []);

  const actions = { open: (row: T) => open && leave(open, row), toggle, extend, stand };
  const act = useRef(actions);
  act.current = actions;
  const press = useCallback((event: MouseEvent, index: number, row: T, selects: boolean) => {
    const target = event.target as HTMLElement;
    if (selects && event.shiftKey) return act.current.extend(index);
    if (selects && (event.ctrlKey || event.metaKey || target.closest('.ticks'))) {
      act.current.stand(index);
      return act.current.toggle(index);
    }
    if (target.closest(busy) || window.getSelection()?.toString()) return;
    act.current.stand(index);
    act.current.open(row);
  }, []);

  const widths = columns.map((c) => c.width).join(' ');
  const style: CSSProperties = { gridTemplateColumns: onSelect ? `16px ${widths}` : widths };
  const here = onSelect ? list.here.map(rowKey) : [];
  const picked = here.filter((k) => selected.has(k)).length;
  const activeKey = at >= first - around && at <= last + around ? keyAt(at) : undefined;
  const drawn: ReactNode[] = [];
  const keys = new Set<string>();
  for (let index = Math.max(0, first - around); index <= Math.min(last + around, count - 1); index++) {
    const row = list.at(index);
    const y = place.top(index);
    if (row === undefined) {
      drawn.push(
        <div
          key={`wait-${index}`}
          className="cells row"
          role="row"
          aria-rowindex={index + 2}
          aria-busy
          data-chosen={index === at || undefined}
          style={{ ...style, transform: `translateY(${y}px)` }}
          tabIndex={-1}
        >
          <span role="gridcell" className="waits" tabIndex={-1} />
        </div>,
      );
      continue;
    }
    const id = rowKey(row);
    // Between two readings a row may have moved from one page to the next.
    const twice = keys.has(id);
    keys.add(id);
    drawn.push(
      <Row
        key={twice ? `${id}#${index}` : id}
        id={twice ? undefined : `row-${id}`}
        row={row}
        index={index}
        y={y}
        widths={style.gridTemplateColumns as string}
        columns={columns as Column<unknown>[]}
        current={index === at || id === chosen}
        selects={onSelect !== undefined}
        selected={onSelect ? selected.has(id) : index === at || id === chosen}
        press={press as Press}
      />,
    );
  }
  return (
    <div
      ref={box}
      className="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={list.known ? list.total + 1 : -1}
      aria-multiselectable={onSelect ? true : undefined}
      aria-activedescendant={activeKey === undefined ? undefined : `row-${activeKey}`}
      aria-busy={list.stale || undefined}
      aria-keyshortcuts={shortcuts(open !== undefined, onSelect !== undefined, onEdit !== undefined)}
      tabIndex={0}
      onKeyDown={key}
      onScroll={(e) => setScroll(e.currentTarget.scrollTop)}
    >
      <div className="inner" role="presentation" style={{ height: place.height + rowHeight }}>
        <div role="rowgroup">
          <div className="cells headrow" role="row" aria-rowindex={1} style={style} tabIndex={-1}>
            {onSelect && (
              <div role="columnheader" className="ticks" tabIndex={-1}>
                <input
                  type="checkbox"
                  aria-label={t('grid.selectHere', { count: here.length })}
                  title={t('grid.selectHere', { count: here.length })}
                  checked={picked > 0 && picked === here.length}
                  ref={(input) => {
                    if (input) input.indeterminate = picked > 0 && picked < here.length;
                  }}
                  onChange={() => {
                    const next = new Set(selected);
                    for (const k of here) {
                      if (picked === here.length) next.delete(k);
                      else next.add(k);
                    }
                    onSelect(next);
                  }}
                />
              </div>
            )}
            {columns.map((c) => (
              <Header key={c.key} column={c} sort={sort} onSort={onSort} />
            ))}
          </div>
        </div>
        <div className="rows" role="rowgroup">
          {drawn}
        </div>
      </div>
    </div>
  );
}

/** The keys of a table, which the help of keys reads. */
const shortcuts = (opens: boolean, selects: boolean, edits: boolean) =>
  `j k Home End${opens ? ' Enter' : ''}${selects ? ' x Shift+J Shift+K' : ''}${edits ? ' e' : ''}`;

interface List<T> extends Pick<Paged<T>, 'at' | 'see' | 'here' | 'total' | 'stale' | 'read'> {
  key: string;
  count: number; // of what is drawn
  known: boolean;
}

/** Rows that are here already, as a list. */
function listOf<T>({ source, rows, total, more }: Rows<T>): List<T> {
  if (source) {
    return {
      ...source,
      count: source.pending ? guessed : source.reach,
      known: !source.pending,
    };
  }
  return {
    key: '',
    at: (index) => rows[index],
    total: Math.max(total, rows.length),
    count: Math.max(total, rows.length),
    known: true,
    stale: false,
    here: rows,
    see: (_, last) => {
      if (last >= rows.length - 1 - around && rows.length < total) more?.();
    },
    read: async (first, last) => rows.slice(first, last + 1),
  };
}

type Press = (event: MouseEvent, index: number, row: unknown, selects: boolean) => void;

interface RowProps {
  id?: string;
  row: unknown;
  index: number;
  y: number;
  widths: string;
  columns: Column<unknown>[];
  current: boolean;
  selects: boolean;
  selected: boolean;
  press: Press;
}

const Row = memo(function Row({ id, row, index, y, widths, columns, current, selects, selected, press }: RowProps) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the table has the keys (aria-activedescendant)
    <div
      id={id}
      className="cells row"
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-chosen={current || undefined}
      data-selected={(selects && selected) || undefined}
      style={{ gridTemplateColumns: widths, transform: `translateY(${y}px)` }}
      tabIndex={-1}
      onMouseDown={(e) => {
        if (selects && e.shiftKey) e.preventDefault(); // no text is selected
      }}
      onClick={(e) => press(e, index, row, selects)}
    >
      {selects && (
        <div role="gridcell" className="ticks" tabIndex={-1}>
          <input type="checkbox" aria-label={t('grid.select')} checked={selected} readOnly tabIndex={-1} />
        </div>
      )}
      {columns.map((c) => (
        <div key={c.key} role="gridcell" className={c.className} tabIndex={-1}>
          {c.cell(row)}
        </div>
      ))}
    </div>
  );
});

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
