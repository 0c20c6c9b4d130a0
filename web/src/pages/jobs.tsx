import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Job } from '../api/client';
import { Failure } from '../components/failure';
import { FilterBar } from '../components/filterbar';
import { type Column, Grid } from '../components/grid';
import { HostLink } from '../components/host';
import { Head, useTitle } from '../components/page';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { type JobFilter, readJobs } from '../data/alljobs';
import { usePaged } from '../data/paged';
import { mayEdit, useSession } from '../data/session';
import { jobColumns } from './jobs/columns';
import { NodePicker } from './targets/pickers';
import '../styles/lists.css';

/** The order that the page has if the address names none. */
const usual = 'key';

/** The scrape jobs of all nodes. */
export function AllJobs() {
  const { t } = useTranslation();
  useTitle(t('jobList.title'));
  const { row: _, ...search } = useSearch({ from: '/shell/jobs' });
  const navigate = useNavigate({ from: '/jobs' });
  const set = (change: Partial<JobFilter>, replace = false) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace });
  const filter = { ...search, sort: search.sort ?? usual };
  const jobs = usePaged({ queryKey: ['jobs', 'list', filter], read: readJobs(filter) });
  const common = jobColumns(t);
  const columns: Column<Job>[] = [
    common.key,
    common.name,
    {
      key: 'node',
      title: t('jobList.node'),
      width: 'minmax(130px, 1fr)',
      cell: (j) => <HostLink uuid={j.node} tabIndex={-1} />,
    },
    common.targets,
    common.interval,
    common.remark,
    common.contacts,
    common.managed,
    common.changed,
  ];
  const filtered = Boolean(search.q || search.node);
  const editor = mayEdit(useSession().data);
  return (
    <>
      <Head title={t('jobList.title')}>
        {!jobs.pending && <p className="dim">{t('jobs.count', { count: jobs.total })}</p>}
        {editor && search.node && (
          <Link to="/nodes/$uuid/new-job" params={{ uuid: search.node }} className="action push">
            {t('newJob.title')}
          </Link>
        )}
      </Head>
      <FilterBar
        label={t('jobList.search')}
        q={search.q}
        search={(q) => set({ q }, true)}
        clear={filtered ? () => set({ q: undefined, node: undefined }) : undefined}
      >
        <div className="picknode" key={search.node}>
          <NodePicker value={search.node} onChange={(node) => set({ node })} />
        </div>
      </FilterBar>
      <Failure error={jobs.error} retry={jobs.refetch} />
      {!jobs.pending && !jobs.stale && !jobs.error && jobs.total === 0 ? (
        <div className="empty">
          <p>{t(filtered ? 'jobList.none' : 'jobList.empty')}</p>
        </div>
      ) : (
        <Grid
          label={t('jobList.title')}
          columns={columns}
          source={jobs}
          rowKey={(j) => String(j.id)}
          onEdit={
            editor
              ? (j) => void navigate({ to: '/nodes/$uuid/jobs/$key/config', params: { uuid: j.node, key: j.key } })
              : undefined
          }
          open={(j) => void navigate({ to: '/nodes/$uuid/jobs/$key', params: { uuid: j.node, key: j.key } })}
          sort={filter.sort}
          onSort={(sort) => set({ sort: sort === usual ? undefined : sort })}
        />
      )}
      <Same
        cli={promfleet(
          'job',
          'list',
          ...(search.node ? [`--node=${search.node}`] : []),
          ...(search.q ? [`--q=${search.q}`] : []),
          `--sort=${filter.sort}`,
        )}
        api={curl('GET', '/jobs', { query: { ...filter } })}
      />
    </>
  );
}
