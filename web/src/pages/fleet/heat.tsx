import { useMantineColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type NodeState, ok } from '../../api/client';
import { Name, plain } from '../../components/name';
import { State } from '../../components/state';
import { Ago } from '../../components/time';
import { lookEvery, type NodeFilter } from '../../data/nodes';
import { keys } from '../../data/queries';
import { states } from '../../state/states';
import { layout } from './layout';

/** A node in the map: no more than is shown of it, since there are thousands. */
interface Cell {
  uuid: string;
  hostname: string;
  state: NodeState;
  up: number;
  down: number;
  seen?: string;
  error: string;
}

async function page(filter: NodeFilter, cursor: string, signal: AbortSignal) {
  const query = { ...filter, limit: 1000, ...(cursor ? { cursor } : {}) };
  const p = await ok(api.GET('/api/v1/nodes', { params: { query }, signal }));
  const cells = (p.items ?? []).map(
    (n): Cell => ({
      uuid: n.uuid,
      hostname: n.hostname,
      state: n.status.state,
      up: n.status.targets_up,
      down: n.status.targets_down,
      seen: n.status.last_seen_at ?? undefined,
      error: n.status.last_error,
    }),
  );
  return { cells, next: p.next_cursor, total: p.total };
}

/** The whole fleet, one square a node. */
export function Heat({ filter }: { filter: NodeFilter }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { ref, width, height } = useElementSize();
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: keys.map(filter),
    queryFn: ({ pageParam, signal }) => page(filter, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    refetchInterval: lookEvery,
  });
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const cells = useMemo(() => data?.pages.flatMap((p) => p.cells) ?? [], [data]);
  const total = data?.pages[0]?.total ?? 0;
  const [at, setAt] = useState<number>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { colorScheme } = useMantineColorScheme();
  const place = layout(Math.max(total, cells.length), width, height);
  const rows = Math.ceil(cells.length / place.columns);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are those of the scheme
  useEffect(() => {
    draw(canvas.current, cells, place.size, place.gap, place.columns, at);
  }, [cells, place.size, place.gap, place.columns, at, colorScheme]);

  const open = (cell?: Cell) => cell && void navigate({ to: '/nodes/$uuid', params: { uuid: cell.uuid } });
  const cellAt = (event: { nativeEvent: MouseEvent }) => {
    const step = place.size + place.gap;
    const column = Math.floor(event.nativeEvent.offsetX / step);
    const index = Math.floor(event.nativeEvent.offsetY / step) * place.columns + column;
    return column < place.columns && index < cells.length ? index : undefined;
  };
  const key = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: place.columns,
      ArrowUp: -place.columns,
    };
    const step = steps[event.key];
    if (step !== undefined) setAt((old) => Math.max(0, Math.min((old ?? -step) + step, cells.length - 1)));
    else if (event.key === 'Enter' && at !== undefined) open(cells[at]);
    else return;
    event.preventDefault();
  };
  const pointed = at === undefined ? undefined : cells[at];
  return (
    <div className="heat">
      <div
        className="field"
        ref={ref}
        role="application"
        aria-label={t('fleet.map')}
        aria-describedby="heat-help"
        tabIndex={0}
        onKeyDown={key}
      >
        <canvas
          ref={canvas}
          width={place.columns * (place.size + place.gap)}
          height={rows * (place.size + place.gap)}
          onMouseMove={(e) => setAt(cellAt(e))}
          onClick={(e) => open(cells[cellAt(e) ?? -1])}
        />
      </div>
      <div className="under">
        <p id="heat-help" className="dim small">
          {cells.length < total
            ? t('fleet.mapLoading', { count: cells.length, total })
            : t('fleet.mapHelp', { count: cells.length })}
        </p>
        <p aria-live="polite" className="spread">
          {pointed && (
            <>
              <b>
                <Name of={pointed.hostname} />
              </b>
              <State of={pointed.state} />
              <span className="mono">
                {pointed.up} / {pointed.down}
              </span>
              <Ago at={pointed.seen} />
              <span className="dim">{plain(pointed.error)}</span>
            </>
          )}
        </p>
      </div>
    </div>
  );
}

/** The colours of the scheme that is shown, as the style sheet has them. */
function colours(near: HTMLElement): Record<string, string> {
  const probe = near.parentElement?.appendChild(document.createElement('span'));
  const found: Record<string, string> = {};
  if (!probe) return found;
  for (const state of states) {
    probe.dataset.state = state;
    found[state] = getComputedStyle(probe).getPropertyValue('--area');
  }
  found.text = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function draw(
  canvas: HTMLCanvasElement | null,
  cells: Cell[],
  size: number,
  gap: number,
  columns: number,
  at?: number,
) {
  const context = canvas?.getContext('2d');
  if (!canvas || !context) return;
  const colour = colours(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const step = size + gap;
  cells.forEach((cell, i) => {
    const x = (i % columns) * step;
    const y = Math.floor(i / columns) * step;
    context.fillStyle = colour[cell.state] ?? '';
    context.fillRect(x, y, size, size);
    // Colour is not the only sign: what is not well has a mark, and so have targets that are down.
    if (cell.state !== 'in_sync' && size >= 8) {
      context.fillStyle = '#fff';
      context.fillRect(x + size / 2 - 1, y + size / 4, 2, size / 2);
    } else if (cell.down > 0 && size >= 8) {
      context.fillStyle = '#fff';
      context.fillRect(x + size - 4, y + size - 4, 3, 3);
    }
  });
  if (at !== undefined && at < cells.length) {
    context.strokeStyle = colour.text ?? '';
    context.lineWidth = 2;
    context.strokeRect((at % columns) * step + 1, Math.floor(at / columns) * step + 1, size - 2, size - 2);
  }
}
