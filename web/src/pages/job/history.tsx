import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../../api/client';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { Ago } from '../../components/time';
import { Undo } from '../../components/undo';
import { findEvent, readEvents } from '../../data/events';
import { usePaged } from '../../data/paged';
import { JobDifference } from './jobyaml';
import { useJob } from './use-job';

/** Who changed a job, when, and how it was before. */
export function JobHistory() {
  const { t } = useTranslation();
  const { job } = useJob();
  const { event } = useSearch({ from: '/shell/nodes/$uuid/jobs/$key/history' });
  const navigate = useNavigate({ from: '/nodes/$uuid/jobs/$key/history' });
  const object = `job/${job.id}`;
  const list = usePaged({ queryKey: ['events', 'list', { object }], read: readEvents({ object }) });
  const listed = event === undefined ? list.at(0) : list.here.find((e) => e.id === event);
  // One that the address names may be further down.
  const found = useQuery({
    queryKey: ['events', 'one', event],
    queryFn: ({ signal }) => findEvent(event ?? 0, signal),
    enabled: event !== undefined && !listed && !list.pending,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const chosen = listed ?? (found.data?.id === event ? found.data : undefined) ?? undefined;
  const columns: Column<FleetEvent>[] = [
    { key: 'what', title: t('events.what'), width: '110px', cell: (e) => <b>{t(`events.action.${e.action}`)}</b> },
    {
      key: 'who',
      title: t('events.who'),
      width: 'minmax(90px, 1fr)',
      cell: (e) => <Name of={e.actor_name || e.actor} title={e.actor} />,
    },
    { key: 'at', title: t('events.when'), width: '100px', cell: (e) => <Ago at={e.at} /> },
  ];
  if (list.error && list.total === 0) return <Failure error={list.error} retry={list.refetch} />;
  if (!list.pending && list.total === 0) return <p className="empty">{t('job.noHistory')}</p>;
  return (
    <>
      <Failure error={list.error} retry={list.refetch} />
      <div className="side-by-side history">
        <Grid
          label={t('job.history')}
          columns={columns}
          source={list}
          rowKey={(e) => String(e.id)}
          chosen={chosen && String(chosen.id)}
          open={(e) => void navigate({ search: { event: e.id }, replace: true })}
        />
        {chosen && (
          <section className="beside wide" aria-label={t('events.details', { id: chosen.id })}>
            <header className="spread">
              <h2>
                <Name of={chosen.actor_name || chosen.actor} /> {t(`events.action.${chosen.action}`)}{' '}
                <Name className="mono" of={job.key} />
              </h2>
              <span className="dim">
                <Ago at={chosen.at} />
              </span>
              <span className="push">
                <Undo event={chosen} />
              </span>
            </header>
            <JobDifference
              key={chosen.id}
              label={t('events.details', { id: chosen.id })}
              before={chosen.before}
              after={chosen.after}
            />
          </section>
        )}
      </div>
      <Same
        cli={promfleet('event', 'list', `--object=${object}`)}
        api={curl('GET', '/events', { query: { object } })}
      />
    </>
  );
}
