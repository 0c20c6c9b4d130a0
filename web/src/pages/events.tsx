import { Button, CloseButton, NativeSelect } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../api/client';
import { Copy } from '../components/copy';
import { Failure } from '../components/failure';
import { FilterBar } from '../components/filterbar';
import { type Column, Grid } from '../components/grid';
import { HostLink, HostName } from '../components/host';
import { Name } from '../components/name';
import { Head, useTitle } from '../components/page';
import { usePrinting } from '../components/printing';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { absolute } from '../components/time';
import { findEvent, readEvents } from '../data/events';
import { hostOf } from '../data/hosts';
import { jobKeyOf } from '../data/jobnames';
import { usePaged } from '../data/paged';
import { queryClient } from '../data/queries';
import type { EventSearch } from '../router';
import { Details } from './events/details';
import { subjectOf } from './events/subject';
import { SubjectName } from './events/subject-name';
import '../styles/events.css';

/** How far back one may want to look, in hours. */
const spans = { hour: 1, day: 24, week: 168, month: 720 };

/** The filters that are shown as what they are, to be taken away. */
const chips = ['actor', 'object', 'node'] as const;

/** How many events are printed at most. */
const mostPrinted = 2000;

/** Who changed what, newest first. */
export function Events() {
  const { t, i18n } = useTranslation();
  useTitle(t('events.title'));
  const { event: chosen, row: _, ...filter } = useSearch({ from: '/shell/events' });
  const navigate = useNavigate({ from: '/events' });
  const set = (change: Partial<EventSearch>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  const list = usePaged({ queryKey: ['events', 'list', filter], read: readEvents(filter) });
  const listed = list.here.find((e) => e.id === chosen);
  // One that the address names may be further down.
  const found = useQuery({
    queryKey: ['events', 'one', chosen],
    queryFn: ({ signal }) => findEvent(chosen ?? 0, signal),
    enabled: chosen !== undefined && !listed && !list.pending && !list.stale,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const open = listed ?? (found.data?.id === chosen ? found.data : undefined);
  const { here } = list;
  useEffect(() => void knowNames(here), [here]);
  const printing = usePrinting();
  const [printed, setPrinted] = useState<FleetEvent[]>();
  const print = async () => {
    const rows = await list.read(0, Math.min(list.total, mostPrinted) - 1);
    await knowNames(rows);
    flushSync(() => setPrinted(rows));
    window.print();
    setPrinted(undefined);
  };
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
      cell: (e) => <SubjectName event={e} />,
    },
    {
      key: 'node',
      title: t('events.node'),
      width: 'minmax(170px, 1fr)',
      className: 'withcopy',
      cell: (e) =>
        e.node && (
          <>
            <HostLink uuid={e.node} tabIndex={-1} />
            <Copy text={e.node} label={e.node} />
          </>
        ),
    },
  ];
  const filtered = Boolean(filter.q || filter.actor || filter.object || filter.node || filter.since);
  return (
    <>
      <Head title={t('events.title')}>
        <p className="dim">{t('events.count', { count: list.total })}</p>
        <Button
          className="push noprint"
          size="xs"
          variant="default"
          leftSection={<IconPrinter size={15} aria-hidden />}
          onClick={() => void print()}
        >
          {t('events.print')}
        </Button>
      </Head>
      <Filters filter={filter} set={set} filtered={filtered} about={here.find((e) => e.object === filter.object)} />
      <Failure error={list.error} retry={list.refetch} />
      {printing || printed ? (
        <Printed rows={printed ?? list.here} total={list.total} />
      ) : !list.pending && !list.error && list.total === 0 ? (
        <p className="empty">{t(filtered ? 'events.none' : 'events.empty')}</p>
      ) : (
        <Grid
          label={t('events.title')}
          columns={columns}
          source={list}
          rowKey={(e) => String(e.id)}
          chosen={chosen === undefined ? undefined : String(chosen)}
          open={(e) => set({ event: e.id === chosen ? undefined : e.id })}
        />
      )}
      {open && <Details event={open} close={() => set({ event: undefined })} />}
      <Same {...sameAs(filter)} />
    </>
  );
}

/** Reads the names that events do not say, those that are not known, at once. */
function knowNames(events: FleetEvent[]): Promise<unknown> {
  const sets = events.map(subjectOf).filter((s) => s?.kind === 'targets');
  return Promise.all([
    ...[...new Set(events.map((e) => e.node))].map((uuid) => uuid && queryClient.prefetchQuery(hostOf(uuid))),
    ...[...new Set(sets.map((s) => Number(s?.id)))].map((id) => queryClient.prefetchQuery(jobKeyOf(id))),
  ]);
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
  /** An event of the object that is filtered by. */
  about?: FleetEvent;
}

function Filters({ filter, set, filtered, about }: FilterProps) {
  const { t, i18n } = useTranslation();
  const since = (span: string) =>
    span in spans
      ? new Date(Date.now() - spans[span as keyof typeof spans] * 3_600_000).toISOString().replace(/\.\d+/, '')
      : undefined;
  return (
    <FilterBar
      label={t('events.search')}
      hint={t('events.searchHint')}
      q={filter.q}
      search={(q) => set({ q, event: undefined })}
      clear={
        filtered
          ? () => set({ q: undefined, since: undefined, actor: undefined, object: undefined, node: undefined })
          : undefined
      }
    >
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
            <span key={name} className={`tag chip${name === 'actor' ? ' mono' : ''}`}>
              {t(`events.by.${name}`)}{' '}
              {name === 'node' ? (
                <HostName uuid={filter[name]} />
              ) : name === 'object' ? (
                <SubjectName event={about ?? { object: filter[name] }} />
              ) : (
                <Name of={filter[name]} />
              )}
              <CloseButton
                size={16}
                aria-label={`${t('record.remove')}: ${t(`events.by.${name}`)}`}
                onClick={() => set({ [name]: undefined })}
              />
            </span>
          ),
      )}
    </FilterBar>
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
              <SubjectName event={e} />
            </td>
            <td>{e.node && <HostName uuid={e.node} />}</td>
          </tr>
        ))}
      </tbody>
      {rows.length < total && <caption>{t('events.printed', { count: rows.length, total })}</caption>}
    </table>
  );
}
