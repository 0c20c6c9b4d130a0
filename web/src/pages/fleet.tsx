import { Button, SegmentedControl } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { NodesSummary } from '../api/client';
import { Failure } from '../components/failure';
import { FilterBar, FilterTags } from '../components/filterbar';
import { numberText } from '../components/number';
import { Head, useTitle } from '../components/page';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { type NodeFilter, readNodes, summaryQuery } from '../data/nodes';
import { usePaged } from '../data/paged';
import { keys } from '../data/queries';
import { mayEdit, useSession } from '../data/session';
import type { FleetSearch } from '../router';
import { stateIcons, states } from '../state/states';
import { Heat } from './fleet/heat';
import { NodeTable } from './fleet/table';

/** Every Prometheus server at a glance. */
export function Fleet() {
  const { t } = useTranslation();
  useTitle(t('fleet.title'));
  const search = useSearch({ from: '/shell/' });
  const navigate = useNavigate({ from: '/' });
  const set = (change: Partial<FleetSearch>, replace = false) =>
    void navigate({ search: (old: FleetSearch) => ({ ...old, ...change }), replace });
  const { view, row: _, ...filter } = search;
  const summary = useQuery(summaryQuery);
  const clear =
    filter.q || filter.state || filter.tag ? () => set({ q: undefined, state: undefined, tag: undefined }) : undefined;
  const empty = summary.data?.total === 0;
  return (
    <>
      <Head title={t('fleet.title')}>
        {summary.data && !empty && (
          <p className="dim">
            {t('fleet.nodes', { count: summary.data.total })}
            {' · '}
            {t('fleet.upCount', { count: summary.data.targets_up })}
            {summary.data.targets_down > 0 && (
              <>
                {' · '}
                <span className="downs">{t('fleet.downCount', { count: summary.data.targets_down })}</span>
              </>
            )}
          </p>
        )}
        {!empty && <AddNode className="push" label={t('start.add')} />}
        {!empty && (
          <SegmentedControl
            size="xs"
            aria-label={t('fleet.view')}
            value={view ?? 'table'}
            onChange={(v) => set({ view: v === 'map' ? 'map' : undefined })}
            data={[
              { value: 'table', label: t('fleet.table') },
              { value: 'map', label: t('fleet.map') },
            ]}
          />
        )}
      </Head>
      <Failure error={summary.error} retry={summary.refetch} />
      {empty ? (
        <Empty />
      ) : (
        <>
          {summary.data && <Counts summary={summary.data} chosen={filter.state} choose={(state) => set({ state })} />}
          <FilterBar
            label={t('fleet.searchLabel')}
            hint={t('fleet.search')}
            q={filter.q}
            search={(q) => set({ q }, true)}
            clear={clear}
          >
            <FilterTags value={filter.tag} onChange={(tag) => set({ tag })} />
          </FilterBar>
          {view === 'map' ? <Heat filter={filter} /> : <Listed filter={filter} clear={clear} set={set} />}
          <Same {...sameAs(filter)} />
        </>
      )}
    </>
  );
}

/** The list by the command line and by the API. */
function sameAs({ q, state, tag, sort }: NodeFilter) {
  const args = (tag ?? []).map((name) => `--tag=${name}`);
  if (state) args.push(`--state=${state}`);
  if (q) args.push(`--q=${q}`);
  if (sort) args.push(`--sort=${sort}`);
  return { cli: promfleet('node', 'list', ...args), api: curl('GET', '/nodes', { query: { q, state, tag, sort } }) };
}

function Counts({
  summary,
  chosen,
  choose,
}: {
  summary: NodesSummary;
  chosen?: string;
  choose: (state: FleetSearch['state']) => void;
}) {
  const { t } = useTranslation();
  const present = states.filter((state) => (summary.states?.[state] ?? 0) > 0 || state === chosen);
  return (
    <>
      <div className="bar" aria-hidden>
        {present.map((state) => (
          <span key={state} data-state={state} style={{ flexGrow: summary.states?.[state] ?? 0 }} />
        ))}
      </div>
      <fieldset className="filters plain">
        <legend className="visually-hidden">{t('fleet.state')}</legend>
        <div className="counts">
          {present.map((state) => {
            const Icon = stateIcons[state];
            return (
              <button
                key={state}
                type="button"
                data-state={state}
                aria-pressed={state === chosen}
                title={t(`stateHelp.${state}`)}
                onClick={() => choose(state === chosen ? undefined : state)}
              >
                <span className="state" data-state={state}>
                  <Icon size={15} aria-hidden />
                  {t(`state.${state}`)}
                </span>
                <b>{numberText(summary.states?.[state] ?? 0)}</b>
              </button>
            );
          })}
        </div>
      </fieldset>
    </>
  );
}

interface ListedProps {
  filter: NodeFilter;
  set: (change: Partial<FleetSearch>) => void;
  clear?: () => void;
}

function Listed({ filter, set, clear }: ListedProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const editor = mayEdit(useSession().data);
  const nodes = usePaged({ queryKey: keys.nodes(filter), read: readNodes(filter) });
  if (nodes.error && nodes.total === 0) return <Failure error={nodes.error} retry={nodes.refetch} />;
  if (!nodes.pending && !nodes.stale && nodes.total === 0) {
    return (
      <div className="empty">
        <p>{t('fleet.none')}</p>
        {clear && (
          <button type="button" className="link" onClick={clear}>
            {t('filter.clear')}
          </button>
        )}
      </div>
    );
  }
  return (
    <>
      <Failure error={nodes.error} retry={nodes.refetch} />
      {clear && !nodes.pending && (
        <p className="dim" role="status">
          {t('fleet.match', { count: nodes.total })}
        </p>
      )}
      <NodeTable
        source={nodes}
        sort={filter.sort ?? 'hostname'}
        onSort={(sort) => set({ sort: sort === 'hostname' ? undefined : sort })}
        onTag={(tag) => set({ tag: [...new Set([...(filter.tag ?? []), tag])] })}
        onEdit={editor ? ({ uuid }) => void navigate({ to: '/nodes/$uuid/settings', params: { uuid } }) : undefined}
      />
    </>
  );
}

function Empty() {
  const { t } = useTranslation();
  return (
    <div className="empty">
      <h2>{t('fleet.empty')}</h2>
      <p>{t('fleet.emptyHelp')}</p>
      <AddNode label={t('fleet.begin')} variant="filled" />
    </div>
  );
}

/** Leads to where a node joins. */
function AddNode({ label, variant, className }: { label: string; variant?: 'filled'; className?: string }) {
  return (
    <Button
      size={variant ? undefined : 'compact-sm'}
      variant={variant ?? 'default'}
      className={className}
      leftSection={<IconPlus size={15} aria-hidden />}
      renderRoot={(props) => <Link {...props} to="/start" />}
    >
      {label}
    </Button>
  );
}
