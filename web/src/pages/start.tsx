import { IconCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Node } from '../api/client';
import { Failure } from '../components/failure';
import { Join } from '../components/join';
import { Name, plain } from '../components/name';
import { Head, useTitle } from '../components/page';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { State } from '../components/state';
import { Ago } from '../components/time';
import { nodeQuery, summaryQuery } from '../data/nodes';
import { basePath } from '../page';
import '../styles/start.css';
import { Adopt } from './start/adopt';
import { firstTargetQuery, joinedQuery, newestQuery } from './start/data';
import { FirstSample, useFirstSample } from './start/first-sample';
import { FirstTarget } from './start/first-target';

/** Leads from nothing to the first sample: an agent joins, a first target, its first scrape. */
export function Start() {
  const { t } = useTranslation();
  const { node: uuid, token } = useSearch({ from: '/shell/start' });
  const navigate = useNavigate({ from: '/start' });
  const summary = useQuery(summaryQuery).data;
  const first = useRef<boolean>(undefined);
  first.current ??= summary && summary.total === 0;
  const title = t(summary && (summary.total > 1 || first.current === false) ? 'start.add' : 'start.title');
  useTitle(title);
  const choose = (node: string) => void navigate({ search: { node }, replace: true });

  const node = useQuery({ ...nodeQuery(uuid ?? ''), enabled: uuid !== undefined });
  const record = uuid ? node.data?.value : undefined;
  const target = useQuery({ ...firstTargetQuery(uuid ?? ''), enabled: record !== undefined }).data;
  const sample = useFirstSample(uuid, target);
  const joined = record !== undefined;
  const has = joined && Boolean(target?.target);
  const ready = has || (joined && !hasOwnJobs(record));
  const done = has && sample.data?.scraped === 'yes';
  return (
    <div className="firstrun">
      <Head title={title} />
      <p className="dim lead">{t('start.lead')}</p>
      <ol>
        <Step at={1} title={t('start.agent')} mark={joined ? 'done' : 'now'}>
          {!uuid && <Waiting token={token} first={first.current === true} choose={choose} />}
          {uuid && node.error && (
            <>
              <Failure error={node.error} retry={node.refetch} />
              <Link to="/start">{t('start.over')}</Link>
            </>
          )}
          {record && <Joined node={record} />}
        </Step>
        <Step at={2} title={t('start.target')} mark={has ? 'done' : ready ? 'now' : 'waiting'}>
          {ready && record && target && <FirstTarget node={record} first={target} />}
        </Step>
        <Step at={3} title={t('start.sample')} mark={done ? 'done' : has ? 'now' : 'waiting'}>
          {record && target && has && <FirstSample node={record} first={target} sample={sample} />}
        </Step>
      </ol>
      {done && record && <Done node={record} job={target?.job?.key} />}
      <Same
        cli={uuid ? promfleet('node', 'get', uuid) : promfleet('join-token', 'create')}
        api={uuid ? curl('GET', `/nodes/${uuid}`) : curl('POST', '/join-tokens', { body: {} })}
      />
    </div>
  );
}

interface StepProps {
  at: number;
  title: string;
  mark: 'done' | 'now' | 'waiting';
  children?: ReactNode;
}

function Step({ at, title, mark, children }: StepProps) {
  const { t } = useTranslation();
  return (
    <li data-mark={mark} aria-current={mark === 'now' ? 'step' : undefined}>
      <span className="dot" aria-hidden>
        {mark === 'done' ? <IconCheck size={16} stroke={3} /> : at}
      </span>
      <div className="stepbody">
        <h2>
          {title}
          <span className="visually-hidden">: {t(`start.${mark}`)}</span>
        </h2>
        {children}
      </div>
    </li>
  );
}

interface WaitingProps {
  token?: number;
  first: boolean;
  choose: (node: string) => void;
}

/** Shows how to join, and goes on by itself when the node is there. */
function Waiting({ token, first, choose }: WaitingProps) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/start' });
  const joined = useQuery({ ...joinedQuery(token ?? 0), enabled: token !== undefined }).data;
  const newest = useQuery(newestQuery).data?.items ?? [];
  // Of nodes that are there already, only somebody can say which is meant.
  const found = joined ?? (first && token === undefined ? newest[0]?.uuid : undefined);
  const go = useRef(choose);
  go.current = choose;
  useEffect(() => {
    if (found) go.current(found);
  }, [found]);
  return (
    <>
      <Join onToken={(id) => void navigate({ search: { token: id }, replace: true })} />
      <p className="listening" role="status">
        <span className="pulse" aria-hidden />
        {t(token === undefined ? 'start.listening' : 'start.listeningToken')}
      </p>
      {newest.length > 0 && (
        <p className="spread">
          <span className="dim">{t('start.lately')}</span>
          {newest.map((n) => (
            <Link key={n.uuid} to="/start" search={{ node: n.uuid }}>
              <Name of={n.hostname} />
            </Link>
          ))}
        </p>
      )}
    </>
  );
}

/** What an agent says of a prometheus.yml that it does not take over. */
const hasOwnJobs = (node: Node) => /has scrape jobs that promfleet did not write/.test(node.status.last_error ?? '');

function Joined({ node }: { node: Node }) {
  const { t } = useTranslation();
  const { status } = node;
  return (
    <>
      <p className="spread" role="status">
        <b>
          <Link to="/nodes/$uuid" params={{ uuid: node.uuid }}>
            <Name of={node.hostname} />
          </Link>
        </b>
        <State of={status.state} />
        {status.prometheus_version && <span>Prometheus {plain(status.prometheus_version)}</span>}
        <span className="mono">
          <Name of={node.addr} />
        </span>
        <span className="dim">
          {t('start.joined')} <Ago at={node.created_at} />
        </span>
      </p>
      {status.last_error && (
        <div className="truth" data-state={status.state}>
          <p className="mono pre">{plain(status.last_error)}</p>
        </div>
      )}
      {hasOwnJobs(node) && <Adopt node={node} />}
    </>
  );
}

function Done({ node, job }: { node: Node; job?: string }) {
  const { t } = useTranslation();
  return (
    <section className="alldone">
      <h2>{t('start.all')}</h2>
      <ul>
        <li>
          <Link to="/nodes/$uuid" params={{ uuid: node.uuid }}>
            {t('start.toNode')}
          </Link>
        </li>
        {job && (
          <li>
            <Link to="/nodes/$uuid/jobs/$key" params={{ uuid: node.uuid, key: job }}>
              {t('start.toTargets')}
            </Link>
          </li>
        )}
        <li>
          <Link to="/start" search={{}}>
            {t('start.another')}
          </Link>
        </li>
        <li>
          <a href={`${basePath}/docs/`}>{t('start.docs')}</a>
        </li>
      </ul>
    </section>
  );
}
