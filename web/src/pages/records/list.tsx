import { Button, CloseButton, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { Head, useTitle } from '../../components/page';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { useKey } from '../../components/use-key';
import { lookEvery } from '../../data/nodes';
import { Panel } from './panel';
import { useRecordSearch } from './search';

export interface RecordQuery {
  q?: string;
  sort?: string;
  deleted?: true;
  limit: number;
  cursor?: string;
}

interface Page<T> {
  items: T[] | null;
  next_cursor: string;
  total: number;
}

interface Props<T> {
  /** Of the texts: `${kind}.title` and so on; and of the queries. */
  kind: string;
  noun: string; // of the command line
  path: string; // of the API
  read: (query: RecordQuery, signal: AbortSignal) => Promise<Page<T>>;
  columns: Column<T>[];
  sort: string; // the one that the server takes if none is given
  /** Records that are gone are not there to be restored. */
  revoked?: boolean;
  mayCreate: boolean;
  name: (record: T) => ReactNode;
  /** The record that is open; undefined: it is not among those read so far. */
  open: (id: number, record: T | undefined, close: () => void) => ReactNode;
  create: (close: () => void) => ReactNode;
  children?: ReactNode;
}

/** A list of records, the one that is open beside it, and a new one. */
export function RecordList<T extends { id: number }>(props: Props<T>) {
  const { kind, noun, path, columns, revoked } = props;
  const { t } = useTranslation();
  useTitle(t(`${kind}.title`));
  const { search, set } = useRecordSearch();
  const { id, new: making, ...filter } = search;
  const [text, setText] = useState(filter.q ?? '');
  const [focus, setFocus] = useState(0);
  const settle = useDebouncedCallback((q: string) => set({ q: q || undefined }), 200);
  const { q } = filter;
  useEffect(() => setText(q ?? ''), [q]); // another address, as by Back
  const list = useInfiniteQuery({
    queryKey: ['records', kind, 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      props.read({ ...filter, limit: pageParam === '' ? 100 : 500, cursor: pageParam || undefined }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: (before) => before,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 3 ? false : lookEvery()),
  });
  const rows = list.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const total = list.data?.pages[0]?.total ?? 0;
  const chosen = rows.find((r) => r.id === id);
  const startNew = () => {
    set({ new: true, id: undefined });
    setFocus((n) => n + 1);
  };
  useKey('n', startNew, props.mayCreate && !filter.deleted);
  const close = () => {
    setFocus(0);
    set({ id: undefined, new: undefined });
  };
  const open = (record: T, toggle: boolean) =>
    set({ id: toggle && record.id === id ? undefined : record.id, new: undefined });
  const args = [
    ...(filter.q ? [`--q=${filter.q}`] : []),
    ...(filter.sort ? [`--sort=${filter.sort}`] : []),
    ...(filter.deleted ? ['--deleted'] : []),
  ];
  return (
    <>
      <Head title={t(`${kind}.title`)}>
        {list.isSuccess && <p className="dim">{t(`${kind}.count`, { count: total })}</p>}
        {props.mayCreate && (
          <Button
            className="push"
            size="xs"
            leftSection={<IconPlus size={15} aria-hidden />}
            aria-keyshortcuts="n"
            onClick={startNew}
          >
            {t(`${kind}.new`)}
          </Button>
        )}
      </Head>
      {props.children}
      <search className="filters">
        <TextInput
          type="search"
          className="search"
          size="xs"
          aria-label={t(`${kind}.search`)}
          placeholder={`${t(`${kind}.search`)}  /`}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            settle(e.currentTarget.value.trim());
          }}
          onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()}
          rightSection={
            text && (
              <CloseButton
                size="xs"
                aria-label={t('record.clear')}
                onClick={() => {
                  setText('');
                  set({ q: undefined });
                }}
              />
            )
          }
        />
        <SegmentedControl
          size="xs"
          aria-label={t('record.which')}
          value={filter.deleted ? 'gone' : 'live'}
          onChange={(which) => set({ deleted: which === 'gone' ? true : undefined, id: undefined, new: undefined })}
          data={[
            { value: 'live', label: t('record.live') },
            { value: 'gone', label: t(revoked ? 'record.revoked' : 'record.deleted') },
          ]}
        />
      </search>
      <Failure error={list.error} retry={list.refetch} />
      <div className="side-by-side records">
        {list.isSuccess && rows.length === 0 ? (
          <div className="empty">
            {filter.q || filter.deleted ? (
              <p>{t(filter.q ? 'record.none' : 'record.noneGone')}</p>
            ) : (
              <>
                <h2>{t(`${kind}.empty`)}</h2>
                <p>{t(`${kind}.emptyHelp`)}</p>
              </>
            )}
          </div>
        ) : (
          <Grid
            label={t(`${kind}.title`)}
            columns={columns}
            rows={rows}
            total={list.isPending ? 8 : total}
            rowKey={(r) => String(r.id)}
            more={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
            chosen={id === undefined ? undefined : String(id)}
            open={(record) => open(record, true)}
            onEdit={(record) => {
              open(record, false);
              setFocus((n) => n + 1);
            }}
            sort={filter.sort ?? props.sort}
            onSort={(sort) => set({ sort: sort === props.sort ? undefined : sort })}
          />
        )}
        {making && props.mayCreate && (
          <Panel key="new" title={t(`${kind}.new`)} label={t(`${kind}.new`)} close={close} focus={focus}>
            {props.create(close)}
          </Panel>
        )}
        {id !== undefined && (list.isSuccess || chosen) && (
          <Panel
            key={id}
            title={chosen ? props.name(chosen) : `${t(`${kind}.one`)} ${id}`}
            label={`${t(`${kind}.one`)} ${id}`}
            close={close}
            focus={focus}
          >
            {props.open(id, chosen, close)}
          </Panel>
        )}
      </div>
      <Same
        cli={promfleet(...noun.split(' '), 'list', ...args)}
        api={curl('GET', path, { query: { q: filter.q, sort: filter.sort, deleted: filter.deleted } })}
      />
    </>
  );
}
