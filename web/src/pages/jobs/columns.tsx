import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import type { Job } from '../../api/client';
import type { Column } from '../../components/grid';
import { Name } from '../../components/name';
import { numberText } from '../../components/number';
import { Ago } from '../../components/time';

/** The columns that lists of jobs have in common; those of its own a list puts between. */
export function jobColumns(t: TFunction) {
  return {
    key: {
      key: 'key',
      title: t('jobs.key'),
      sort: 'key',
      width: 'minmax(130px, 1fr)',
      className: 'mono',
      cell: (j) => (
        <Link to="/nodes/$uuid/jobs/$key" params={{ uuid: j.node, key: j.key }} tabIndex={-1}>
          {j.key}
        </Link>
      ),
    },
    name: {
      key: 'name',
      title: t('jobs.name'),
      sort: 'job_name',
      width: 'minmax(130px, 1fr)',
      className: 'mono',
      cell: (j) => <Name of={j.job_name} />,
    },
    targets: {
      key: 'targets',
      title: t('jobs.targets'),
      width: '84px',
      className: 'mono num',
      cell: (j) => j.targets !== undefined && numberText(j.targets),
    },
    interval: {
      key: 'interval',
      title: t('jobs.interval'),
      width: '76px',
      className: 'mono',
      cell: (j) => intervalOf(j) ?? <span className="dim">{t('jobs.inherits')}</span>,
    },
    remark: {
      key: 'remark',
      title: t('jobs.remark'),
      width: 'minmax(140px, 2fr)',
      cell: (j) => <Name of={j.remark} title={j.remark} />,
    },
    contacts: {
      key: 'contacts',
      title: t('jobList.contacts'),
      width: '74px',
      className: 'mono num',
      cell: (j) => j.contacts?.length || '',
    },
    managed: {
      key: 'managed',
      title: t('jobList.managed'),
      help: t('jobList.managedHelp'),
      width: 'minmax(100px, 0.6fr)',
      className: 'mono',
      cell: (j) => <Name of={j.managed_by || j.targets_managed_by} />,
    },
    changed: {
      key: 'changed',
      title: t('jobs.changed'),
      sort: 'updated_at',
      width: '96px',
      cell: (j) => <Ago at={j.updated_at} />,
    },
  } satisfies Record<string, Column<Job>>;
}

function intervalOf(job: Job): string | undefined {
  const config = job.scrape_config as { scrape_interval?: unknown } | null;
  return typeof config?.scrape_interval === 'string' ? config.scrape_interval : undefined;
}
