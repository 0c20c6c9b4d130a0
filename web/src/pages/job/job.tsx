import '../../styles/job.css';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useMatches, useParams } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import type { Node } from '../../api/client';
import { Copy } from '../../components/copy';
import { Failure } from '../../components/failure';
import { Followed } from '../../components/followed';
import { isMissing, Missing } from '../../components/missing';
import { Name } from '../../components/name';
import { titled, useTitle } from '../../components/page';
import { State } from '../../components/state';
import { jobQuery } from '../../data/jobs';
import { nodeQuery } from '../../data/nodes';
import { mayEdit, useSession } from '../../data/session';
import { NoNode } from '../node/node';
import { Contacts } from './contacts';
import { Delete } from './delete';
import { Managed } from './managed';
import { Remark } from './remark';

// It has an editor, which the targets of a job do without.
const Gone = lazy(() => import('./gone').then((m) => ({ default: m.Gone })));

const tabs = [
  ['/nodes/$uuid/jobs/$key', 'targets'],
  ['/nodes/$uuid/jobs/$key/config', 'config'],
  ['/nodes/$uuid/jobs/$key/history', 'history'],
] as const;

/** Where a page of a job is: the fleet, its node, and the job. */
export function Crumbs({ uuid, node, children }: { uuid: string; node?: Node; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <nav className="crumb" aria-label={t('job.crumbs')}>
      <Link to="/">{t('node.back')}</Link>
      <span aria-hidden> / </span>
      <Link to="/nodes/$uuid/jobs" params={{ uuid }}>
        <Name of={node?.hostname ?? uuid} />
      </Link>
      <span aria-hidden> / </span>
      {children}
    </nav>
  );
}

/** One scrape job: its head, and the tabs below it. */
export function JobPage() {
  const { t } = useTranslation();
  const { uuid, key } = useParams({ from: '/shell/nodes/$uuid/jobs/$key' });
  const session = useSession().data;
  const ofNode = useQuery(nodeQuery(uuid));
  const node = ofNode.data?.value;
  const { data: read, error, refetch } = useQuery(jobQuery(uuid, key));
  const place = useMatches({ select: (all) => all.at(-1)?.fullPath });
  const tab = tabs.slice(1).find(([to]) => to === place)?.[1]; // the first is the job itself
  useTitle(titled(key, tab && t(`job.${tab}`)), node?.hostname);
  const crumbs = (
    <Crumbs uuid={uuid} node={node}>
      <span className="mono">
        <Name of={key} />
      </span>
    </Crumbs>
  );
  if (!read && isMissing(ofNode.error)) return <NoNode />;
  if (read === undefined || read === null) {
    return (
      <>
        {crumbs}
        <Failure error={error} retry={refetch} />
        {read === null && (
          <Missing title={t('job.none')} help={t('job.noneHelp')}>
            <Link to="/nodes/$uuid/jobs" params={{ uuid }}>
              {t('job.toJobs')}
            </Link>
          </Missing>
        )}
      </>
    );
  }
  const { job } = read;
  if (read.etag === '') {
    return (
      <Suspense fallback={crumbs}>
        <Gone job={job} node={node} crumbs={crumbs} />
      </Suspense>
    );
  }
  const editable = mayEdit(session);
  const byHand = editable && job.managed_by === '';
  return (
    <>
      {crumbs}
      <header className="head nodehead jobhead">
        <h1 className="mono spread tight">
          <Name of={job.key} />
          <Copy text={job.key} label={t('jobs.key')} />
        </h1>
        {job.job_name !== job.key && (
          <span className="mono dim">
            job_name: <Name of={job.job_name} />
          </span>
        )}
        {node && <State of={node.status.state} />}
        <Managed read={read} editable={editable} />
        {byHand && <Delete read={read} node={node} />}
      </header>
      <div className="about">
        <Remark key={job.id} read={read} editable={byHand} />
        <Contacts read={read} editable={editable} />
      </div>
      <nav className="tabs" aria-label={job.key}>
        {tabs.map(([to, name]) => (
          <Link key={name} to={to} params={{ uuid, key }} activeOptions={{ exact: true, includeSearch: false }}>
            {t(`job.${name}`)}
          </Link>
        ))}
      </nav>
      {node && <Followed node={node} />}
      <Outlet />
    </>
  );
}
