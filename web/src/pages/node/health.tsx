import { Button, CloseButton } from '@mantine/core';
import { IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { HealthWord } from '../../components/health';
import { Name, plain } from '../../components/name';
import { numberText } from '../../components/number';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { Ago, duration } from '../../components/time';
import { type JobHealth, type NodeHealth, nodeHealthQuery } from '../../data/health';
import '../../styles/nodehealth.css';
import { HealthBar } from './health/bar';
import { Causes, DownList } from './health/down';
import { countsOf, parts, total, worstFirst } from './health/summary';
import { useNode } from './use-node';

/** Whether the targets of a node are scraped, job by job, and why not. */
export function Health() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { job: chosen } = useSearch({ from: '/shell/nodes/$uuid/health' });
  const all = useQuery(nodeHealthQuery(node.uuid));
  const one = useQuery({
    ...nodeHealthQuery(node.uuid, chosen),
    enabled: chosen !== undefined,
    placeholderData: keepPreviousData,
  });
  const { data } = all;
  if (all.error && !data) return <Failure error={all.error} retry={all.refetch} />;
  const shown = chosen === undefined ? data : one.data;
  return (
    <div className="nodehealth">
      <Whole uuid={node.uuid} health={data} again={() => void all.refetch()} busy={all.isFetching} />
      {data && !data.at ? (
        <section className="truth" data-state="stale">
          <IconPlugConnectedX size={20} aria-hidden />
          <div>
            <p>
              <b>{t(data.agent === 'answered' ? 'nodeHealth.noPrometheus' : 'nodeHealth.noAgent')}</b>
            </p>
            <p className="mono pre">{plain(data.agent_says ?? '')}</p>
          </div>
        </section>
      ) : (
        <div className="side-by-side">
          <JobList jobs={data?.jobs ?? undefined} chosen={chosen} />
          <Beside health={shown} chosen={chosen} error={chosen === undefined ? undefined : one.error} />
        </div>
      )}
      <Same
        cli={promfleet('node', 'health', node.uuid, ...(chosen === undefined ? [] : ['--job', chosen]))}
        api={curl('GET', `/nodes/${node.uuid}/health`, { query: { job: chosen } })}
      />
    </div>
  );
}

interface WholeProps {
  uuid: string;
  health?: NodeHealth;
  again: () => void;
  busy: boolean;
}

/** The counts of all jobs together, and how old they are. */
function Whole({ uuid, health, again, busy }: WholeProps) {
  const { t } = useTranslation();
  const counts = total(health?.jobs ?? []);
  return (
    <section className="whole" aria-label={t('nodeHealth.title')}>
      <HealthBar counts={counts} />
      <p className="spread">
        {health?.at &&
          parts.map((p) => (
            <span key={p} className="count" data-none={counts[p] === 0 || undefined}>
              <HealthWord of={p} /> <b>{numberText(counts[p])}</b>
            </span>
          ))}
        {health?.at && counts.dropped > 0 && (
          <span className="count">
            <HealthWord of="dropped" /> <b>{numberText(counts.dropped)}</b>
          </span>
        )}
        <Link to="/targets" search={{ node: uuid }} className="push">
          {t('nodeHealth.toTargets')}
        </Link>
        <span className="spread dim small">
          {health?.at && (
            <span>
              {t('nodeHealth.seen')} <Ago at={health.at} />
            </span>
          )}
          <Button
            size="compact-xs"
            variant="default"
            onClick={again}
            aria-disabled={busy}
            leftSection={<IconRefresh size={13} aria-hidden />}
          >
            {t('nodeHealth.again')}
          </Button>
        </span>
      </p>
    </section>
  );
}

function number(n: number | undefined, className?: string) {
  if (n === undefined) return <span className="dim">–</span>;
  return <span className={n === 0 ? 'dim' : className}>{numberText(n)}</span>;
}

/** The jobs, those that want somebody first. */
function JobList({ jobs, chosen }: { jobs?: JobHealth[]; chosen?: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/nodes/$uuid/health' });
  const rows = worstFirst(jobs ?? []);
  const toggle = (j: JobHealth) =>
    void navigate({
      search: (old) => ({ ...old, job: j.job === chosen || !j.job ? undefined : j.job }),
      replace: true,
    });
  const columns: Column<JobHealth>[] = [
    {
      key: 'job',
      title: t('nodeHealth.job'),
      width: 'minmax(96px, 1fr)',
      className: 'mono',
      cell: (j) =>
        j.job ? (
          <b>
            <Name of={j.job} title={j.job_name} />
          </b>
        ) : (
          <Name of={j.job_name} title={t('nodeHealth.foreign')} className="dim" />
        ),
    },
    {
      key: 'bar',
      title: t('nodeHealth.targets'),
      width: 'minmax(108px, 1fr)',
      cell: (j) =>
        j.withheld ? <HealthWord of="not_loaded" title={plain(j.withheld)} /> : <HealthBar counts={countsOf(j)} />,
    },
    { key: 'up', title: t('health.state.up'), width: '58px', className: 'num', cell: (j) => number(j.up) },
    {
      key: 'down',
      title: t('health.state.down'),
      width: '58px',
      className: 'num',
      cell: (j) => number(j.down, 'downs'),
    },
    {
      key: 'missing',
      title: t('health.state.missing'),
      help: t('health.help.missing'),
      width: '62px',
      className: 'num',
      cell: (j) => number(j.missing, 'downs'),
    },
    {
      key: 'unknown',
      title: t('nodeHealth.unknown'),
      help: t('health.help.unknown'),
      width: '62px',
      className: 'num',
      cell: (j) => number(j.unknown),
    },
    {
      key: 'dropped',
      title: t('health.state.dropped'),
      help: t('health.help.dropped'),
      width: '66px',
      className: 'num',
      cell: (j) => number(j.dropped),
    },
    {
      key: 'slowest',
      title: t('nodeHealth.slowest'),
      help: t('nodeHealth.slowestHelp'),
      width: '66px',
      className: 'num mono',
      cell: (j) => j.slowest && <span title={plain(j.slowest.addr)}>{duration(j.slowest.seconds * 1000)}</span>,
    },
  ];
  return (
    <Grid
      label={t('node.jobs')}
      columns={columns}
      rows={rows}
      total={jobs ? rows.length : 5}
      rowKey={(j) => `${j.job}/${j.job_name}`}
      chosen={
        chosen === undefined
          ? undefined
          : rows.map((j) => `${j.job}/${j.job_name}`).find((k) => k.startsWith(`${chosen}/`))
      }
      open={toggle}
    />
  );
}

/** Why scrapes fail and what is down: of a job, or of all. */
function Beside({ health, chosen, error }: { health?: NodeHealth; chosen?: string; error?: unknown }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/nodes/$uuid/health' });
  const jobs = health?.jobs ?? [];
  const withheld = jobs.filter((j) => j.withheld);
  const well = health?.at && (health.down?.length ?? 0) === 0 && withheld.length === 0;
  return (
    <section className="beside healthbeside" aria-busy={!health}>
      <header className="spread">
        <h2>{chosen === undefined ? t('nodeHealth.allJobs') : t('nodeHealth.oneJob', { key: chosen })}</h2>
        {chosen !== undefined && (
          <CloseButton
            className="push"
            aria-label={t('app.close')}
            onClick={() => void navigate({ search: (old) => ({ ...old, job: undefined }), replace: true })}
          />
        )}
      </header>
      {error ? <Failure error={error} /> : null}
      {withheld.map((j) => (
        <p key={j.job} className="withheld">
          <HealthWord of="not_loaded" />
          <span>
            <b className="mono">{j.job}</b> <bdi className="mono pre">{plain(j.withheld ?? '')}</bdi>
          </span>
        </p>
      ))}
      {well && <p className="dim">{t('nodeHealth.well')}</p>}
      <Causes jobs={jobs} many={chosen === undefined} />
      {health && <DownList health={health} many={chosen === undefined} />}
    </section>
  );
}
