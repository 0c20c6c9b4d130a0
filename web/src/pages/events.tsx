import { Button, CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconPrinter } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../api/client';
import { Failure } from '../components/failure';
import { type Column, Grid } from '../components/grid';
import { Name } from '../components/name';
import { Head, useTitle } from '../components/page';
import { usePrinting } from '../components/printing';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { absolute } from '../components/time';
import { allEventsQuery } from '../data/events';
import type { EventSearch } from '../router';
import { Details } from './events/details';
import { objectOf } from './events/line';
import '../styles/events.css';

/** How far back one may want to look, in hours. */
const spans = { hour: 1, day: 24, week: 168, month: 720 };

/** The filters that are shown as what they are, to be taken away. */
const chips = ['actor', 'object', 'node'] as const;

/** How many pages an event that an address names is looked for in. */
const farthest = 20;

/** Who changed what, newest first. */
export function Events() {
  const { t, i18n } = useTranslation();
  useTitle(t('events.title'));
  const { event: chosen, ...filter } = useSearch({ from: '/shell/events' });
  const navigate = useNavigate({ from: '/events' });
  const set = (change: Partial<EventSearch>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  const events = useInfiniteQuery(allEventsQuery(filter));
  const printing = usePrinting();
  const rows = events.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const total = events.data?.pages[0]?.total ?? 0;
  const open = rows.find((e) => e.id === chosen);
  const more = events.hasNextPage && !events.isFetchingNextPage ? () => void events.fetchNextPage() : undefined;
  // One that the address names may be further down: ids fall.
  const oldest = rows.at(-1)?.id ?? 0;
  const seek =
    chosen !== undefined &&
    !open &&
    chosen < oldest &&
    (events.data?.pages.length ?? 0) < farthest &&
    more !== undefined;
  const { fetchNextPage } = events;
  useEffect(() => {
    if (seek) void fetchNextPage();
  }, [seek, fetchNextPage]);
  const columns: Column<FleetEvent>[] = [
    {
      key: 'at',
      title: t('events.when'),
      width: '200px',
      cell: (e) => <time dateTime={e.at}>{absolute(e.at, i18n.language)}</time>,
    },
    {
      key: 'who',
      title: t('events.who'),
      width: 'minmax(120px, 1fr)',
      cell: (e) => <Name of={e.actor_name || e.actor} title={e.actor} />,
    },
    { key: 'what', title: t('events.what'), width: '190px', cell: (e) => t(`events.action.${e.action}`) },
    {
      key: 'object',
      title: t('events.object'),
      width: 'minmax(220px, 2fr)',
      className: 'mono',
      cell: (e) => <Name of={objectOf(e)} title={e.object} />,
    },
    {
      key: 'node',
      title: t('events.node'),
      width: 'minmax(290px, 1fr)',
      className: 'mono',
      cell: (e) =>
        e.node && (
          <Link to="/nodes/$uuid" params={{ uuid: e.node }} tabIndex={-1}>
            {e.node}
          </Link>
        ),
    },
  ];
  const filtered = Boolean(filter.q || filter.actor || filter.object || filter.node || filter.since);
  return (
    <>
      <Head title={t('events.title')}>
        <p className="dim">{t('events.count', { count: total })}</p>
        <Button
          className="push noprint"
          size="xs"
          variant="default"
          leftSection={<IconPrinter size={15} aria-hidden />}
          onClick={() => window.print()}
        >
          {t('events.print')}
        </Button>
      </Head>
      <Filters filter={filter} set={set} filtered={filtered} />
      <Failure error={events.error} retry={events.refetch} />
      {printing ? (
        <Printed rows={rows} total={total} />
      ) : events.isSuccess && rows.length === 0 ? (
        <p className="empty">{t(filtered ? 'events.none' : 'events.empty')}</p>
      ) : (
        <Grid
          label={t('events.title')}
          columns={columns}
          rows={rows}
          total={events.isPending ? 20 : total}
          rowKey={(e) => String(e.id)}
          more={more}
          chosen={chosen === undefined ? undefined : String(chosen)}
          open={(e) => set({ event: e.id === chosen ? undefined : e.id })}
        />
      )}
      {open && <Details event={open} close={() => set({ event: undefined })} />}
      <Same {...sameAs(filter)} />
    </>
  );
}

function sameAs({ event: _, ...filter }: EventSearch) {
  const args = (['q', 'node', 'actor', 'object', 'since'] as const).flatMap((name) =>
    filter[name] ? [`--${name}=${filter[name]}`] : [],
  );
  return { cli: promfleet('event', 'list', ...args), api: curl('GET', '/events', { query: { ...filter } }) };
}

interface FilterProps {
  filter: EventSearch;
  set: (change: Partial<EventSearch>) => void;
  filtered: boolean;
}

function Filters({ filter, set, filtered }: FilterProps) {
  const { t, i18n } = useTranslation();
  const [text, setText] = useState(filter.q ?? '');
  const search = useDebouncedCallback((q: string) => set({ q: q || undefined, event: undefined }), 200);
  const { q } = filter;
  useEffect(() => setText(q ?? ''), [q]); // another address, as by Back
  const since = (span: string) =>
    span in spans
      ? new Date(Date.now() - spans[span as keyof typeof spans] * 3_600_000).toISOString().replace(/\.\d+/, '')
      : undefined;
  return (
    <search className="filters">
      <TextInput
        type="search"
        className="search"
        size="xs"
        aria-label={t('events.search')}
        placeholder={`${t('events.searchHint')}  /`}
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          search(e.currentTarget.value.trim());
        }}
        onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()}
      />
      <NativeSelect
        size="xs"
        className="noprint"
        aria-label={t('events.span')}
        value={filter.since ? 'since' : 'all'}
        onChange={(e) => set({ since: since(e.currentTarget.value), event: undefined })}
        data={[
          { value: 'all', label: t('events.spans.all') },
          ...Object.keys(spans).map((value) => ({ value, label: t(`events.spans.${value}`) })),
          ...(filter.since
            ? [{ value: 'since', label: t('events.since', { time: absolute(filter.since, i18n.language) }) }]
            : []),
        ]}
      />
      {chips.map(
        (name) =>
          filter[name] && (
            <span key={name} className="tag mono chip">
              {t(`events.by.${name}`)} <Name of={filter[name]} />
              <CloseButton
                size={16}
                aria-label={`${t('record.remove')}: ${t(`events.by.${name}`)}`}
                onClick={() => set({ [name]: undefined })}
              />
            </span>
          ),
      )}
      {filtered && (
        <button
          type="button"
          className="link noprint"
          onClick={() => set({ q: undefined, since: undefined, actor: undefined, object: undefined, node: undefined })}
        >
          {t('fleet.clear')}
        </button>
      )}
    </search>
  );
}

/** The events that have been read, all of them, as paper wants them. */
function Printed({ rows, total }: { rows: FleetEvent[]; total: number }) {
  const { t, i18n } = useTranslation();
  return (
    <table className="printed">
      <thead>
        <tr>
          {['when', 'who', 'what', 'object', 'node'].map((key) => (
            <th key={key} scope="col">
              {t(`events.${key}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((e) => (
          <tr key={e.id}>
            <td>{absolute(e.at, i18n.language)}</td>
            <td>
              <Name of={e.actor_name || e.actor} />
            </td>
            <td>{t(`events.action.${e.action}`)}</td>
            <td>
              <Name of={objectOf(e)} />
            </td>
            <td className="mono">{e.node}</td>
          </tr>
        ))}
      </tbody>
      {rows.length < total && <caption>{t('events.printed', { count: rows.length, total })}</caption>}
    </table>
  );
}
