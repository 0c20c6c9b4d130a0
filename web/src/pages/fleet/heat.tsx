import { useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue, useElementSize } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Node, NodePoint, NodeState } from '../../api/client';
import { Failure } from '../../components/failure';
import { Name, plain } from '../../components/name';
import { State } from '../../components/state';
import { Ago } from '../../components/time';
import { useRow } from '../../components/use-row';
import { mapQuery, type NodeFilter, nodeQuery } from '../../data/nodes';
import { states } from '../../state/states';
import { type Layout, layout } from './layout';

const none: NodePoint[] = [];

/** The whole fleet, one square a node. */
export function Heat({ filter }: { filter: NodeFilter }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { ref, width, height } = useElementSize();
  const { data, error, refetch, isPlaceholderData } = useQuery(mapQuery(filter));
  const cells = data?.value.nodes ?? none;
  const total = data?.value.total ?? 0;
  const [at, setAt] = useState<number>();
  const [beside, setBeside] = useState(false); // the pointer, or the keyboard, is on it
  const canvas = useRef<HTMLCanvasElement>(null);
  const { colorScheme } = useMantineColorScheme();
  const place = layout(cells.length, width, height);
  const rows = Math.ceil(cells.length / place.columns);
  const step = place.size + place.gap;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are those of the scheme
  useEffect(() => {
    draw(canvas.current, cells, place, (state) => t(`stateMark.${state}`));
  }, [cells, place.size, place.gap, place.columns, colorScheme, t]);

  // The node that the address names, as the row of the table is.
  const address = useRow();
  useEffect(() => {
    const row = address.sought.current;
    if (!row || !data || isPlaceholderData) return;
    address.sought.current = undefined;
    const found = cells.findIndex((cell) => cell.uuid === row.key);
    if (found >= 0) setAt(found);
  });
  const choose = (index?: number) => {
    const cell = cells[index ?? -1];
    if (index === undefined || !cell) return undefined;
    setAt(index);
    address.sought.current = undefined;
    address.tell({ index, key: cell.uuid });
    return cell;
  };
  const open = (index?: number) => {
    const cell = choose(index);
    if (!cell) return;
    address.flush();
    void navigate({ to: '/nodes/$uuid', params: { uuid: cell.uuid } });
  };
  const cellAt = (event: { nativeEvent: MouseEvent }) => {
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
    const by = steps[event.key];
    if (by !== undefined) choose(Math.max(0, Math.min((at ?? -by) + by, cells.length - 1)));
    else if (event.key === 'Enter' && at !== undefined) open(at);
    else return;
    setBeside(true);
    event.preventDefault();
  };
  const pointed = at === undefined ? undefined : cells[at];
  const [asked] = useDebouncedValue(pointed?.uuid, 150); // not of all that the pointer passes over
  const details = useQuery({ ...nodeQuery(asked ?? ''), enabled: asked !== undefined });
  const status = details.data?.value.uuid === pointed?.uuid ? details.data?.value.status : undefined;
  if (error && !data) return <Failure error={error} retry={refetch} />;
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
        onBlur={() => setBeside(false)}
      >
        <div className="squares">
          <canvas
            ref={canvas}
            width={place.columns * step}
            height={rows * step}
            onMouseMove={(e) => {
              setAt(cellAt(e));
              setBeside(true);
            }}
            onMouseLeave={() => setBeside(false)}
            onClick={(e) => open(cellAt(e))}
          />
          {at !== undefined && pointed && beside && (
            <p
              aria-hidden // it is told below
              className="heattip spread"
              data-left={at % place.columns > place.columns / 2 || undefined}
              data-up={Math.floor(at / place.columns) > rows / 2 || undefined}
              style={{
                left: (at % place.columns) * step + place.size / 2,
                top: Math.floor(at / place.columns) * step + place.size / 2,
              }}
            >
              <Detail of={pointed} status={status} />
            </p>
          )}
          {at !== undefined && pointed && (
            <span
              className="pointed"
              style={{
                width: place.size,
                height: place.size,
                left: (at % place.columns) * step,
                top: Math.floor(at / place.columns) * step,
              }}
            />
          )}
        </div>
      </div>
      <div className="under">
        <p id="heat-help" className="dim small">
          {cells.length < total
            ? t('fleet.mapPart', { count: cells.length, total })
            : t('fleet.mapHelp', { count: cells.length })}
        </p>
        <p aria-live="polite" className="spread">
          {pointed && <Detail of={pointed} status={status} />}
        </p>
      </div>
    </div>
  );
}

/** What is to be known of a node at a glance. */
function Detail({ of, status }: { of: NodePoint; status?: Node['status'] }) {
  const { t } = useTranslation();
  const down = status?.targets_down ?? of.targets_down ?? 0;
  return (
    <>
      <b>
        <Name of={of.hostname} />
      </b>
      <State of={of.state} />
      {status && <span>{t('fleet.upCount', { count: status.targets_up })}</span>}
      {down > 0 && <span className="downs">{t('fleet.downCount', { count: down })}</span>}
      {status && (
        <>
          <Ago at={status.last_seen_at} />
          <span className="dim">{plain(status.last_error)}</span>
        </>
      )}
    </>
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
  probe.remove();
  return found;
}

const dark = '#16191d';

/** What can be read on a colour (#rrggbb). */
function ink(colour: string): string {
  const [r = 0, g = 0, b = 0] = (/[0-9a-f]{6}/i.exec(colour)?.[0].match(/../g) ?? []).map((c) =>
    Number.parseInt(c, 16),
  );
  return 0.299 * r + 0.587 * g + 0.114 * b > 115 ? dark : '#fff';
}

/** The share of a square's side that the corner of a node with so many targets down takes. */
const corner = (down: number) => 0.3 + 0.5 * Math.min(1, Math.log10(down) / 3);

function draw(
  canvas: HTMLCanvasElement | null,
  cells: NodePoint[],
  { size, gap, columns }: Layout,
  letter: (state: NodeState) => string,
) {
  const context = canvas?.getContext('2d');
  if (!canvas || !context) return;
  const colour = colours(canvas);
  // Colour is not the only sign: a state has a letter too, or a mark where there is no room for one.
  const signs = new Map(states.map((s) => [s, { letter: letter(s), ink: ink(colour[s] ?? '') }]));
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `600 ${Math.round(size * 0.5)}px ${getComputedStyle(canvas).fontFamily}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const step = size + gap;
  cells.forEach((cell, i) => {
    const x = (i % columns) * step;
    const y = Math.floor(i / columns) * step;
    const sign = signs.get(cell.state);
    context.fillStyle = colour[cell.state] ?? '';
    context.fillRect(x, y, size, size);
    if (!sign || size < 8) return;
    context.fillStyle = sign.ink;
    if (size >= 20) context.fillText(sign.letter, x + size / 2, y + size / 2 + 1);
    else if (cell.state !== 'in_sync') context.fillRect(x + size / 2 - 1, y + size / 4, 2, size / 2);
    if (!cell.targets_down) return;
    const side = Math.max(4, size * corner(cell.targets_down));
    context.beginPath();
    context.moveTo(x + size, y + size - side);
    context.lineTo(x + size, y + size);
    context.lineTo(x + size - side, y + size);
    context.fill();
  });
}
