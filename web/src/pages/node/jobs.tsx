import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Job } from '../../api/client';
import { Command } from '../../components/copy';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { readJobs } from '../../data/alljobs';
import { usePaged } from '../../data/paged';
import { keys } from '../../data/queries';
import { mayEdit, useSession } from '../../data/session';
import { jobColumns } from '../jobs/columns';
import { useNode } from './use-node';
import '../../styles/lists.css';

/** The scrape jobs of a node. */
export function Jobs() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { sort = 'key' } = useSearch({ from: '/shell/nodes/$uuid/jobs' });
  const navigate = useNavigate({ from: '/nodes/$uuid/jobs' });
  const filter = { node: node.uuid, sort };
  const jobs = usePaged({ queryKey: [...keys.jobs(node.uuid), sort], read: readJobs(filter) });
  const editor = mayEdit(useSession().data);
  const common = jobColumns(t);
  const columns: Column<Job>[] = [
    common.key,
    common.name,
    common.targets,
    common.interval,
    common.remark,
    common.managed,
    common.changed,
  ];
  if (jobs.error && jobs.total === 0) return <Failure error={jobs.error} retry={jobs.refetch} />;
  if (!jobs.pending && jobs.total === 0) {
    return (
      <div className="empty">
        <h2>{t('jobs.empty')}</h2>
        <p>
          <NewJob uuid={node.uuid} />
        </p>
        <p>{t('jobs.emptyHelp')}</p>
        <Command text={promfleet('job', 'create', '--node', node.uuid, '--key', 'node')} />
      </div>
    );
  }
  return (
    <div className="listed">
      <p className="spread">
        <span className="dim">{!jobs.pending && t('jobs.count', { count: jobs.total })}</span>
        <NewJob uuid={node.uuid} />
      </p>
      <Failure error={jobs.error} retry={jobs.refetch} />
      <Grid
        label={t('node.jobs')}
        columns={columns}
        source={jobs}
        rowKey={(j) => String(j.id)}
        onEdit={
          editor
            ? (j) => void navigate({ to: '/nodes/$uuid/jobs/$key/config', params: { uuid: node.uuid, key: j.key } })
            : undefined
        }
        open={(j) => void navigate({ to: '/nodes/$uuid/jobs/$key', params: { uuid: node.uuid, key: j.key } })}
        sort={sort}
        onSort={(by) => void navigate({ search: { sort: by === 'key' ? undefined : by } })}
      />
      <Same
        cli={promfleet('job', 'list', `--node=${node.uuid}`, `--sort=${sort}`)}
        api={curl('GET', '/jobs', { query: filter })}
      />
    </div>
  );
}

function NewJob({ uuid }: { uuid: string }) {
  const { t } = useTranslation();
  if (!mayEdit(useSession().data)) return null;
  return (
    <Link to="/nodes/$uuid/new-job" params={{ uuid }} className="action push">
      {t('newJob.title')}
    </Link>
  );
}
