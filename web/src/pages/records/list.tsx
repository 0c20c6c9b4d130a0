import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Preview } from '../../api/client';
import { Danger } from '../../components/danger';
import { Failure } from '../../components/failure';
import { FilterBar, FilterGone } from '../../components/filterbar';
import { type Column, Grid } from '../../components/grid';
import { Head, useTitle } from '../../components/page';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { useKey } from '../../components/use-key';
import { usePaged } from '../../data/paged';
import type { Page } from '../../data/pages';
import { previewEach } from '../../data/previews';
import { Panel } from './panel';
import { useRecordSearch } from './search';

export interface RecordQuery {
  q?: string;
  sort?: string;
  deleted?: true;
  over?: true;
  limit: number;
  offset: number;
}

interface Props<T> {
  /** Of the texts: `${kind}.title` and so on; and of the queries. */
  kind: string;
  noun: string; // of the command line
  path: string; // of the API
  read: (query: RecordQuery, signal?: AbortSignal) => Promise<Page<T>>;
  columns: Column<T>[];
  sort: string; // the one that the server takes if none is given
  /** Records that are gone are not there to be restored. */
  revoked?: boolean;
  /** Those that are live and serve no more are listed by themselves. */
  wears?: boolean;
  mayCreate: boolean;
  name: (record: T) => ReactNode;
  /** The record that is open; undefined: it is not among those read so far. */
  open: (id: number, record: T | undefined, close: () => void) => ReactNode;
  create: (close: () => void) => ReactNode;
  /** What can be done to many that are selected; of those that are gone, if they can be restored. */
  many?: {
    remove: (id: number) => Promise<unknown>;
    restore?: (id: number) => Promise<unknown>;
    /** What that would do to one, if it may change files. */
    look?: (id: number, restores: boolean) => Promise<Preview>;
    /** It is done, with the effect that was seen before. */
    done: (effect?: Preview) => void;
  };
  children?: ReactNode;
}

/** A list of records, the one that is open beside it, and a new one. */
export function RecordList<T extends { id: number }>(props: Props<T>) {
  const { kind, noun, path, columns, revoked, wears } = props;
  const { t } = useTranslation();
  useTitle(t(`${kind}.title`));
  const { search, set } = useRecordSearch();
  const { id, new: making, row: _, ...asked } = search;
  const filter = wears ? asked : { ...asked, over: undefined };
  const [focus, setFocus] = useState(0);
  const list = usePaged<T>({
    queryKey: ['records', kind, 'list', filter],
    read: (offset, limit, signal) => props.read({ ...filter, offset, limit }, signal),
  });
  const rows = list.here;
  const ready = !list.pending && !list.error;
  const chosen = rows.find((r) => r.id === id);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { q, deleted, over } = filter;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list, another selection
  useEffect(() => setSelected(new Set()), [q, deleted, over]);
  const { many } = props;
  const selects = many !== undefined && (!deleted || many.restore !== undefined);
  const startNew = () => {
    set({ new: true, id: undefined, over: undefined });
    setFocus((n) => n + 1);
  };
  useKey('n', startNew, props.mayCreate && !filter.deleted);
  const close = () => {
    setFocus(0);
    set({ id: undefined, new: undefined });
  };
  const open = (record: T, toggle: boolean) =>
    set({ id: toggle && record.id === id ? undefined : record.id, new: undefined });
  const state = wears && !deleted ? (over ? 'over' : 'usable') : undefined;
  const args = [
    ...(filter.q ? [`--q=${filter.q}`] : []),
    ...(state ? [`--state=${state}`] : []),
    ...(filter.sort ? [`--sort=${filter.sort}`] : []),
    ...(filter.deleted ? ['--deleted'] : []),
  ];
  return (
    <>
      <Head title={t(`${kind}.title`)}>
        {!list.pending && <p className="dim">{t(`${kind}.count`, { count: list.total })}</p>}
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
      <FilterBar label={t(`${kind}.search`)} q={q} search={(q) => set({ q })}>
        <FilterGone
          value={deleted}
          revoked={revoked}
          over={wears ? { live: t(`${kind}.live`), label: t(`${kind}.over`), value: over } : undefined}
          onChange={(deleted, over) => set({ deleted, over, id: undefined, new: undefined })}
        />
      </FilterBar>
      {many && selects && selected.size > 0 && (
        <Many
          kind={kind}
          ids={[...selected].map(Number)}
          gone={deleted === true}
          revoked={revoked}
          run={(one) => (deleted ? many.restore?.(one) : many.remove(one)) ?? Promise.resolve()}
          look={many.look}
          done={(all, effect) => {
            if (all) setSelected(new Set());
            many.done(effect);
          }}
        />
      )}
      <Failure error={list.error} retry={list.refetch} />
      <div className="side-by-side records">
        {ready && list.total === 0 ? (
          <div className="empty">
            {filter.q || filter.deleted || over ? (
              <p>{t(filter.q ? 'record.none' : over ? `${kind}.noneOver` : 'record.noneGone')}</p>
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
            source={list}
            rowKey={(r) => String(r.id)}
            chosen={id === undefined ? undefined : String(id)}
            open={(record) => open(record, true)}
            selected={selected}
            onSelect={selects ? setSelected : undefined}
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
        {id !== undefined && (ready || chosen) && (
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
        api={curl('GET', path, { query: { q: filter.q, sort: filter.sort, state, deleted: filter.deleted } })}
      />
    </>
  );
}

interface ManyProps {
  kind: string;
  ids: number[];
  gone: boolean;
  revoked?: boolean;
  run: (id: number) => Promise<unknown>;
  look?: (id: number, restores: boolean) => Promise<Preview>;
  done: (all: boolean, effect?: Preview) => void;
}

/** What can be done to the records that are selected, one after the other. */
function Many({ kind, ids, gone, revoked, run, look, done }: ManyProps) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const count = ids.length;
  const word = gone ? 'restore' : revoked ? 'revoke' : 'delete';
  const finished = useRef(new Set<number>()); // another try goes on behind them
  const all = async (seen?: Preview) => {
    try {
      for (const id of ids) {
        if (finished.current.has(id)) continue;
        await run(id);
        finished.current.add(id);
      }
      finished.current.clear();
    } catch (error) {
      done(false, seen); // those before it are done
      throw error;
    }
  };
  return (
    <div className="spread many" role="status">
      <span>{t('record.selected', { count })}</span>
      <Button size="compact-sm" variant="default" color={gone ? undefined : 'red'} onClick={() => setAsking(true)}>
        {t(`record.${word}Many`, { count })}
      </Button>
      {asking && (
        <Danger
          close={() => setAsking(false)}
          title={t(`record.${word}Many`, { count })}
          name={gone ? undefined : String(count)}
          action={t(gone ? 'record.restore' : `record.${word}Now`)}
          calm={gone}
          preview={look && (() => previewEach(ids, (id) => look(id, gone)))}
          run={all}
          done={(seen) => {
            tell(t(gone ? 'record.restored' : revoked ? 'tokens.revoked' : 'record.gone'));
            done(true, seen);
          }}
        >
          <p>{t(gone ? `${kind}.restoreHelp` : `${kind}.manyHelp`)}</p>
        </Danger>
      )}
    </div>
  );
}
