import { CloseButton } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job } from '../../api/client';
import { Command } from '../../components/copy';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { Name } from '../../components/name';
import { Ago } from '../../components/time';
import { mayEdit, useSession } from '../../data/session';
import { JobYaml } from '../job/jobyaml';
import { configQuery, jobsQuery } from './data';
import { countsOf } from './files';
import { useNode } from './use-node';

/** The scrape jobs of a node. */
export function Jobs() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { job: chosen } = useSearch({ from: '/shell/nodes/$uuid/jobs' });
  const navigate = useNavigate({ from: '/nodes/$uuid/jobs' });
  const jobs = useInfiniteQuery(jobsQuery(node.uuid));
  const config = useQuery(configQuery(node.uuid));
  const counts = useMemo(() => countsOf(config.data), [config.data]);
  const rows = jobs.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const total = jobs.data?.pages[0]?.total ?? 0;
  const open = rows.find((j) => j.key === chosen);
  const columns: Column<Job>[] = [
    { key: 'key', title: t('jobs.key'), width: 'minmax(140px, 1fr)', className: 'mono', cell: keyOf(node.uuid) },
    {
      key: 'name',
      title: t('jobs.name'),
      width: 'minmax(140px, 1fr)',
      className: 'mono',
      cell: (j) => <Name of={j.job_name} />,
    },
    {
      key: 'targets',
      title: t('jobs.targets'),
      width: '100px',
      className: 'mono num',
      cell: (j) => config.data && (counts.get(j.key)?.targets ?? 0).toLocaleString(),
    },
    {
      key: 'interval',
      title: t('jobs.interval'),
      width: '100px',
      className: 'mono',
      cell: (j) => intervalOf(j) ?? <span className="dim">{t('jobs.inherits')}</span>,
    },
    {
      key: 'remark',
      title: t('jobs.remark'),
      width: 'minmax(160px, 2fr)',
      cell: (j) => <Name of={j.remark} title={j.remark} />,
    },
    { key: 'changed', title: t('jobs.changed'), width: '110px', cell: (j) => <Ago at={j.updated_at} /> },
  ];
  if (jobs.error) return <Failure error={jobs.error} retry={jobs.refetch} />;
  if (jobs.isSuccess && rows.length === 0) {
    return (
      <div className="empty">
        <h2>{t('jobs.empty')}</h2>
        <p>
          <NewJob uuid={node.uuid} />
        </p>
        <p>{t('jobs.emptyHelp')}</p>
        <Command text={`promfleet job create --node ${node.uuid} --key node`} />
      </div>
    );
  }
  const toggle = (job?: Job) =>
    void navigate({ search: { job: job === undefined || job.key === chosen ? undefined : job.key }, replace: true });
  return (
    <div className="side-by-side">
      <div className="listed">
        <p className="spread">
          <span className="dim">{t('jobs.count', { count: total })}</span>
          <NewJob uuid={node.uuid} />
        </p>
        <Grid
          label={t('node.jobs')}
          columns={columns}
          rows={rows}
          total={jobs.isPending ? 5 : total}
          rowKey={(j) => String(j.id)}
          more={jobs.hasNextPage && !jobs.isFetchingNextPage ? () => void jobs.fetchNextPage() : undefined}
          chosen={open && String(open.id)}
          open={toggle}
        />
      </div>
      {open && (
        <section className="beside">
          <header className="spread">
            <h2>{t('jobs.showConfig', { key: open.key })}</h2>
            <CloseButton className="push" aria-label={t('app.close')} onClick={() => toggle()} />
          </header>
          <JobYaml key={open.id} label={t('jobs.showConfig', { key: open.key })} config={open.scrape_config} />
        </section>
      )}
    </div>
  );
}

const keyOf = (uuid: string) => (job: Job) => (
  <Link to="/nodes/$uuid/jobs/$key" params={{ uuid, key: job.key }} tabIndex={-1}>
    <b>{job.key}</b>
  </Link>
);

function NewJob({ uuid }: { uuid: string }) {
  const { t } = useTranslation();
  if (!mayEdit(useSession().data)) return null;
  return (
    <Link to="/nodes/$uuid/new-job" params={{ uuid }} className="action push">
      {t('newJob.title')}
    </Link>
  );
}

function intervalOf(job: Job): string | undefined {
  const config = job.scrape_config as { scrape_interval?: unknown } | null;
  return typeof config?.scrape_interval === 'string' ? config.scrape_interval : undefined;
}
