import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../api/client';
import { Failure } from '../components/failure';
import { type Column, Grid } from '../components/grid';
import { Name } from '../components/name';
import { Head, useTitle } from '../components/page';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { absolute } from '../components/time';
import { Undo } from '../components/undo';
import { allEventsQuery } from '../data/events';
import { objectOf } from './events/line';

/** Who changed what, newest first. */
export function Events() {
  const { t, i18n } = useTranslation();
  useTitle(t('events.title'));
  const { event: chosen, ...filter } = useSearch({ from: '/shell/events' });
  const navigate = useNavigate({ from: '/events' });
  const events = useInfiniteQuery(allEventsQuery(filter));
  const [text, setText] = useState(filter.q ?? '');
  const search = useDebouncedCallback(
    (q: string) => void navigate({ search: (old) => ({ ...old, q: q || undefined, event: undefined }), replace: true }),
    200,
  );
  const rows = events.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const total = events.data?.pages[0]?.total ?? 0;
  const open = rows.find((e) => e.id === chosen);
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
      cell: (e) => <Name of={objectOf(e)} />,
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
  return (
    <>
      <Head title={t('events.title')}>
        <p className="dim">{t('events.count', { count: total })}</p>
      </Head>
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
        />
        {filter.node && (
          <span className="tag mono">
            {filter.node}
            <CloseButton
              size={16}
              aria-label={t('fleet.clear')}
              onClick={() => void navigate({ search: (old) => ({ ...old, node: undefined }) })}
            />
          </span>
        )}
      </search>
      <Failure error={events.error} retry={events.refetch} />
      {events.isSuccess && rows.length === 0 ? (
        <p className="empty">{t('events.empty')}</p>
      ) : (
        <Grid
          label={t('events.title')}
          columns={columns}
          rows={rows}
          total={events.isPending ? 20 : total}
          rowKey={(e) => String(e.id)}
          more={events.hasNextPage && !events.isFetchingNextPage ? () => void events.fetchNextPage() : undefined}
          chosen={chosen === undefined ? undefined : String(chosen)}
          open={(e) =>
            void navigate({ search: (old) => ({ ...old, event: e.id === chosen ? undefined : e.id }), replace: true })
          }
        />
      )}
      {open && (
        <Details
          event={open}
          close={() => void navigate({ search: (old) => ({ ...old, event: undefined }), replace: true })}
        />
      )}
      <Same
        cli={promfleet(
          'event',
          'list',
          ...(filter.q ? [`--q=${filter.q}`] : []),
          ...(filter.node ? [`--node=${filter.node}`] : []),
        )}
        api={curl('GET', '/events', { query: { ...filter } })}
      />
    </>
  );
}

function Details({ event, close }: { event: FleetEvent; close: () => void }) {
  const { t } = useTranslation();
  const text = (v: unknown) => (v === undefined || v === null ? '–' : JSON.stringify(v, null, 2));
  return (
    <section className="details" aria-label={t('events.details', { id: event.id })}>
      <header className="spread">
        <h2>{t('events.details', { id: event.id })}</h2>
        <Undo event={event} done={close} />
        <CloseButton className="push" aria-label={t('app.close')} onClick={close} />
      </header>
      <div className="two">
        {(['before', 'after'] as const).map((side) => (
          <div key={side}>
            <h3>{t(`events.${side}`)}</h3>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
            <pre className="mono pre" tabIndex={0}>
              {text(event[side])}
            </pre>
          </div>
        ))}
      </div>
    </section>
  );
}
