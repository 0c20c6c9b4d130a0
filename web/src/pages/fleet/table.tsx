import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Node } from '../../api/client';
import { Copy } from '../../components/copy';
import { type Column, Grid } from '../../components/grid';
import { Name, plain } from '../../components/name';
import { numberText } from '../../components/number';
import { State } from '../../components/state';
import { Ago } from '../../components/time';
import type { Paged } from '../../data/paged';

interface Props {
  source: Paged<Node>;
  sort: string;
  onSort: (sort: string) => void;
  onTag: (tag: string) => void;
  /** Of those who may. */
  onEdit?: (node: Node) => void;
}

/** The fleet as a table: one dense, honest list. */
export function NodeTable({ source, sort, onSort, onTag, onEdit }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const columns: Column<Node>[] = [
    { key: 'state', title: t('fleet.state'), width: '118px', cell: (n) => <State of={n.status.state} /> },
    {
      key: 'hostname',
      title: t('fleet.hostname'),
      sort: 'hostname',
      width: 'minmax(156px, 1.4fr)',
      cell: (n) => (
        <Link to="/nodes/$uuid" params={{ uuid: n.uuid }} title={n.hostname} tabIndex={-1}>
          <Name of={n.hostname} />
        </Link>
      ),
    },
    {
      key: 'addr',
      title: t('fleet.addr'),
      sort: 'addr',
      width: 'minmax(114px, 1fr)',
      className: 'mono withcopy',
      cell: (n) => (
        <>
          <Name of={n.addr.replace(/^https?:\/\/|\/$/g, '')} title={n.addr} />
          <Copy text={n.addr} label={n.addr} />
        </>
      ),
    },
    { key: 'jobs', title: t('fleet.jobs'), width: '44px', className: 'mono num', cell: (n) => numberText(n.jobs) },
    {
      key: 'upDown',
      title: t('fleet.upDown'),
      width: '92px',
      className: 'mono num',
      cell: ({ status }) => (
        <>
          {numberText(status.targets_up)}
          <span className="dim"> / </span>
          <span className={status.targets_down > 0 ? 'downs' : 'dim'}>{numberText(status.targets_down)}</span>
        </>
      ),
    },
    {
      key: 'revision',
      title: t('fleet.revision'),
      help: t('fleet.revisionHelp'),
      width: '74px',
      className: 'mono num',
      cell: ({ status }) =>
        status.revision_applied === status.revision_wanted ? (
          status.revision_wanted
        ) : (
          <>
            {status.revision_applied}
            <span className="dim"> → </span>
            <b>{status.revision_wanted}</b>
          </>
        ),
    },
    {
      key: 'seen',
      title: t('fleet.seen'),
      sort: 'last_seen_at',
      width: '84px',
      cell: (n) => <Ago at={n.status.last_seen_at} />,
    },
    {
      key: 'error',
      title: t('fleet.error'),
      width: 'minmax(120px, 1.6fr)',
      cell: (n) => n.status.last_error && <span title={plain(n.status.last_error)}>{plain(n.status.last_error)}</span>,
    },
    {
      key: 'tags',
      title: t('fleet.nodeTags'),
      width: 'minmax(86px, 0.8fr)',
      cell: (n) =>
        n.tags?.map((tag) => (
          <button
            key={tag}
            type="button"
            className="tag"
            tabIndex={-1}
            title={t('fleet.filtered', { tag })}
            onClick={() => onTag(tag)}
          >
            <Name of={tag} />
          </button>
        )),
    },
    {
      key: 'prometheus',
      title: t('fleet.prometheus'),
      width: '88px',
      className: 'mono dim',
      cell: (n) => n.status.prometheus_version,
    },
    {
      key: 'agent',
      title: t('fleet.agent'),
      width: '62px',
      className: 'mono dim',
      cell: (n) => n.status.agent_version,
    },
  ];
  return (
    <Grid
      label={t('fleet.title')}
      columns={columns}
      source={source}
      rowKey={(n) => n.uuid}
      open={(n) => void navigate({ to: '/nodes/$uuid', params: { uuid: n.uuid } })}
      sort={sort}
      onSort={onSort}
      onEdit={onEdit}
    />
  );
}
