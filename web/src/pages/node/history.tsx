import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Revision } from '../../api/client';
import { Difference } from '../../components/code';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { Ago } from '../../components/time';
import { configQuery, revisionsQuery } from './data';
import { changedFiles } from './files';
import { useNode } from './use-node';

/** The revisions of a node that are kept, and what each changed. */
export function History() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { revision } = useSearch({ from: '/shell/nodes/$uuid/history' });
  const navigate = useNavigate({ from: '/nodes/$uuid/history' });
  const list = useInfiniteQuery(revisionsQuery(node.uuid));
  const rows = list.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const total = list.data?.pages[0]?.total ?? 0;
  const at = rows.findIndex((r) => r.number === (revision ?? rows[0]?.number));
  const chosen = rows[at];
  const before = rows[at + 1];
  const columns: Column<Revision>[] = [
    {
      key: 'number',
      title: t('history.revision'),
      width: '84px',
      className: 'mono num',
      cell: (r) => <b>{r.number}</b>,
    },
    { key: 'at', title: t('history.at'), width: '100px', cell: (r) => <Ago at={r.at} /> },
    {
      key: 'by',
      title: t('history.by'),
      width: 'minmax(80px, 1fr)',
      cell: (r) => <Name of={r.actor_name || r.actor} title={r.actor} />,
    },
  ];
  if (list.error && rows.length === 0) return <Failure error={list.error} retry={list.refetch} />;
  if (list.isSuccess && rows.length === 0) return <p className="empty">{t('history.empty')}</p>;
  return (
    <>
      <div className="side-by-side history">
        <Grid
          label={t('node.history')}
          columns={columns}
          rows={rows}
          total={list.isPending ? 5 : total}
          rowKey={(r) => String(r.number)}
          more={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
          chosen={chosen && String(chosen.number)}
          open={(r) => void navigate({ search: (old) => ({ ...old, revision: r.number }), replace: true })}
        />
        <section className="beside wide">
          {chosen && before && <Changed uuid={node.uuid} from={before.number} to={chosen.number} />}
          {chosen && !before && <p className="dim">{t('history.first')}</p>}
        </section>
      </div>
      <Same cli={promfleet('node', 'revisions', node.uuid)} api={curl('GET', `/nodes/${node.uuid}/revisions`)} />
    </>
  );
}

function Changed({ uuid, from, to }: { uuid: string; from: number; to: number }) {
  const { t } = useTranslation();
  const before = useQuery(configQuery(uuid, from));
  const after = useQuery(configQuery(uuid, to));
  const error = before.error ?? after.error;
  if (error) return <Failure error={error} />;
  if (!before.data || !after.data) return null;
  const files = changedFiles(before.data, after.data);
  const at = (revision: number) => promfleet('node', 'config', uuid, `--revision=${revision}`);
  return (
    <>
      <h2>
        {t('config.revision', { revision: to })} <span className="dim">{t('history.changed', { revision: from })}</span>
      </h2>
      {before.data.prometheus_yml === after.data.prometheus_yml ? (
        <p className="dim">{t('history.same')}</p>
      ) : (
        <Difference
          key={`${from}-${to}`}
          label={t('config.yml')}
          before={before.data.prometheus_yml}
          after={after.data.prometheus_yml}
        />
      )}
      <h3>{t('history.files')}</h3>
      {files.length === 0 ? (
        <p className="dim">{t('history.noFiles')}</p>
      ) : (
        <ul className="files mono">
          {files.map((f) => (
            <li key={f.path}>
              {f.path} <span className="dim">{t(`history.${f.change}`)}</span>{' '}
              <span>
                {f.before} → {f.after}
              </span>
            </li>
          ))}
        </ul>
      )}
      <Same
        cli={`diff <(${at(from)}) <(${at(to)})`}
        api={curl('GET', `/nodes/${uuid}/config`, { query: { revision: to } })}
      />
    </>
  );
}
