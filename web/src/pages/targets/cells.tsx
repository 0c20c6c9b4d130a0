import { ActionIcon } from '@mantine/core';
import { IconHistory, IconQuestionMark } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Target } from '../../api/client';
import { Copy } from '../../components/copy';
import type { Column } from '../../components/grid';
import { Name, plain } from '../../components/name';
import { Ago } from '../../components/time';
import { hostOf } from '../../data/hosts';
import { Labels, Tags } from './chips';
import { jobOf } from './data';
import { EditCell } from './edit';
import { ErrorCell, HealthCell } from './healthcells';
import type { Field } from './rules';

/** The job of a target, by its key. */
function JobCell({ id }: { id: number }) {
  const { data: job } = useQuery(jobOf(id));
  if (job === undefined) return <span className="waits" />;
  if (job === null) return <span className="dim">{id}</span>;
  return (
    <Link to="/nodes/$uuid/jobs/$key" params={{ uuid: job.node, key: job.key }} tabIndex={-1}>
      <Name of={job.key} />
    </Link>
  );
}

/** The node whose Prometheus scrapes a target. */
function NodeCell({ job: id }: { job: number }) {
  const { data: job } = useQuery(jobOf(id));
  const { data: host } = useQuery({ ...hostOf(job?.node ?? ''), enabled: job !== undefined && job !== null });
  if (!job) return job === undefined && <span className="waits" />;
  return (
    <Link to="/nodes/$uuid" params={{ uuid: job.node }} tabIndex={-1} title={job.node}>
      <Name of={host?.hostname ?? (host === null ? job.node : '…')} />
    </Link>
  );
}

interface Options {
  t: TFunction;
  /** The job's own page has neither its job nor its node in each row. */
  ofJob: boolean;
  deleted: boolean;
  /** The row that is being edited. */
  editing?: number;
  onTag: (tag: string) => void;
  show: (target: Target, what: 'explain' | 'history') => void;
}

/** The columns of the table of targets. */
export function columnsOf({ t, ofJob, deleted, editing, onTag, show }: Options): Column<Target>[] {
  const field = (f: Field, cell: (target: Target) => React.ReactNode) => (target: Target) =>
    target.id === editing ? <EditCell field={f} label={t(`targets.${f}`)} /> : cell(target);
  const columns: (Column<Target> | false)[] = [
    {
      key: 'addr',
      title: t('targets.addr'),
      sort: 'addr',
      width: 'minmax(150px, 1.4fr)',
      className: 'mono withcopy',
      cell: field('addr', (target) => (
        <>
          <button
            type="button"
            className="celllink"
            tabIndex={-1}
            title={plain(target.addr)}
            onClick={() => show(target, 'explain')}
          >
            <Name of={target.addr} />
          </button>
          <Copy text={target.addr} label={plain(target.addr)} />
        </>
      )),
    },
    {
      key: 'name',
      title: t('targets.name'),
      sort: 'name',
      width: 'minmax(70px, 0.7fr)',
      cell: field('name', ({ name }) => <Name of={name} title={plain(name)} />),
    },
    !ofJob && {
      key: 'job',
      title: t('targets.job'),
      width: 'minmax(64px, 0.6fr)',
      className: 'mono',
      cell: (target) => <JobCell id={target.job} />,
    },
    !ofJob && {
      key: 'node',
      title: t('targets.node'),
      width: 'minmax(70px, 0.7fr)',
      cell: (target) => <NodeCell job={target.job} />,
    },
    {
      key: 'labels',
      title: t('targets.labels'),
      width: 'minmax(110px, 1.3fr)',
      className: 'mono',
      cell: field('labels', ({ labels }) => <Labels of={labels} />),
    },
    {
      key: 'tags',
      title: t('targets.tags'),
      width: 'minmax(80px, 0.8fr)',
      cell: field('tags', ({ tags }) => <Tags of={tags} onTag={onTag} />),
    },
    {
      key: 'remark',
      title: t('targets.remark'),
      width: 'minmax(70px, 0.8fr)',
      cell: field('remark', ({ remark }) => <Name of={remark} title={plain(remark)} />),
    },
    !deleted && {
      key: 'health',
      title: t('targets.health'),
      width: '136px', // of the longest word, in English
      cell: ({ id }) => <HealthCell id={id} />,
    },
    !deleted && {
      key: 'error',
      title: t('targets.lastError'),
      width: 'minmax(120px, 1.6fr)',
      className: 'scrape-error',
      cell: ({ id }) => <ErrorCell id={id} />,
    },
    deleted && {
      key: 'deleted',
      title: t('targets.deletedAt'),
      sort: 'updated_at',
      width: '110px',
      cell: (target) => <Ago at={target.deleted_at} />,
    },
    {
      key: 'more',
      title: <span className="visually-hidden">{t('targets.more')}</span>,
      width: '52px',
      className: 'more',
      cell: (target) => <More target={target} show={show} />,
    },
  ];
  return columns.filter((c) => c !== false);
}

function More({ target, show }: { target: Target; show: Options['show'] }) {
  const { t } = useTranslation();
  return (
    <>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={22}
        tabIndex={-1}
        title={t('targets.explain')}
        aria-label={`${t('targets.explain')}: ${plain(target.addr)}`}
        onClick={() => show(target, 'explain')}
      >
        <IconQuestionMark size={15} aria-hidden />
      </ActionIcon>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={22}
        tabIndex={-1}
        title={t('targets.history')}
        aria-label={`${t('targets.history')}: ${plain(target.addr)}`}
        onClick={() => show(target, 'history')}
      >
        <IconHistory size={15} aria-hidden />
      </ActionIcon>
    </>
  );
}
