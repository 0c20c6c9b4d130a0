import { Button } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconHelpCircle, IconProgressDown, type TablerIcon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodeState } from '../../api/client';
import {
  type Explained,
  type ExplainedChain,
  type ExplainedNode,
  explainQuery,
  patience,
  type Question,
} from '../../data/explain';
import '../../styles/explain.css';
import { Failure } from '../failure';
import { Name, plain } from '../name';
import { Same } from '../same';
import { curl, promfleet } from '../shell-words';
import { State } from '../state';
import { Ago } from '../time';
import { Chain } from './chain';
import { type Answer, answerOf, stages, worstFirst } from './links';

/** An answer has the colour of the state that it is like. */
const colours: Record<Answer, NodeState> = { yes: 'in_sync', no: 'failed', soon: 'applying', unknown: 'held' };
const icons: Record<Answer, TablerIcon> = {
  yes: IconCircleCheck,
  no: IconCircleX,
  soon: IconProgressDown,
  unknown: IconHelpCircle,
};

interface Props {
  question: Question;
  /** The target of the server that is asked about: its chain comes first. */
  target?: number;
  /** Asks about another address. */
  ask?: (addr: string) => void;
}

/** Whether an address is scraped, and if not, where its chain breaks. */
export function Explanation({ question, target, ask }: Props) {
  const { t } = useTranslation();
  const { data, error, isFetching, refetch, dataUpdatedAt } = useQuery(explainQuery(question));
  const { addr, node, job } = question;
  const cli = ['explain', addr, ...(node ? ['--node', node] : []), ...(job ? ['--job', job] : [])];
  return (
    <div className="explain" aria-busy={isFetching}>
      {data && <Verdict of={data} stale={isFetching} />}
      {isFetching && <Asking again={data !== undefined} />}
      {!isFetching && <Failure error={error} retry={() => void refetch()} />}
      {data && <Found of={data} target={target} ask={ask} />}
      {!isFetching && data && (
        <p className="spread">
          <Button size="compact-sm" variant="default" onClick={() => void refetch()}>
            {t('explain.again')}
          </Button>
          <span className="dim">
            {t('explain.asked')} <Ago at={new Date(dataUpdatedAt).toISOString()} />
          </span>
        </p>
      )}
      <Same cli={promfleet(...cli)} api={curl('POST', '/explain', { body: question })} />
    </div>
  );
}

function Verdict({ of, stale }: { of: Explained; stale: boolean }) {
  const { t } = useTranslation();
  const answer = answerOf(of);
  const Icon = icons[answer];
  return (
    <section className="truth" data-state={colours[answer]} data-old={stale || undefined} aria-live="polite">
      <Icon size={22} aria-hidden />
      <div>
        <p className="answer">{t(`explain.scraped.${answer}`)}</p>
        <p className="pre">{plain(of.verdict)}</p>
      </div>
    </section>
  );
}

/** Says what is being waited for, and for how long by now: it may take seconds. */
function Asking({ again }: { again: boolean }) {
  const { t } = useTranslation();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((s) => s + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <p className="dim" role="status">
        {t(seconds < 3 ? 'explain.asking' : 'explain.waiting', { most: patience })}
      </p>
      {!again && (
        <ol className="chain" aria-hidden>
          {stages.map((stage) => (
            <li key={stage} data-mark="beyond">
              <span className="dot" />
              <div className="link-body">
                <p className="link-head">
                  <b>{t(`explain.stage.${stage}`)}</b>
                </p>
                <p className="waits" />
              </div>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function Found({ of, target, ask }: { of: Explained; target?: number; ask?: (addr: string) => void }) {
  const { t } = useTranslation();
  const nodes = worstFirst(of.items ?? []);
  const nearest = of.nearest ?? [];
  return (
    <>
      {nodes.map((node, i) => (
        <OnNode key={node.node} of={node} alone={nodes.length === 1} open={i === 0} target={target} />
      ))}
      {nearest.length > 0 && (
        <p className="spread">
          <span className="dim">{t('explain.nearest')}</span>
          {nearest.map((addr) =>
            ask ? (
              <button key={addr} type="button" className="link mono" onClick={() => ask(addr)}>
                <Name of={addr} />
              </button>
            ) : (
              <Name key={addr} of={addr} className="mono" />
            ),
          )}
        </p>
      )}
      {of.notes?.map((note) => (
        <p key={note} className="dim">
          {plain(note)}
        </p>
      ))}
    </>
  );
}

function OnNode({
  of: node,
  alone,
  open,
  target,
}: {
  of: ExplainedNode;
  alone: boolean;
  open: boolean;
  target?: number;
}) {
  const { t } = useTranslation();
  const mine = (c: ExplainedChain) => target !== undefined && c.record?.id === target;
  const all = worstFirst(node.chains ?? []);
  const chains = [...all.filter(mine), ...all.filter((c) => !mine(c))];
  return (
    <section className="onnode">
      <header className="spread">
        <h2>
          <Link to="/nodes/$uuid" params={{ uuid: node.node }}>
            <Name of={node.hostname} />
          </Link>
        </h2>
        <State of={node.state} />
        {!alone && chains.length !== 1 && <p className="dim">{plain(node.verdict)}</p>}
      </header>
      {node.agent !== 'answered' && (
        <div className="agent">
          <p>{t(`explain.agent.${node.agent}`)}</p>
          {node.agent_says && <p className="mono pre">{plain(node.agent_says)}</p>}
        </div>
      )}
      {node.agent === 'answered' && node.agent_says && !node.verdict.includes(node.agent_says) && (
        <div className="agent">
          <p>{t('explain.agent.says')}</p>
          <p className="mono pre">{plain(node.agent_says)}</p>
        </div>
      )}
      {chains.map((chain, i) => {
        const key = `${chain.job}/${chain.job_name}/${chain.record?.id ?? ''}/${chain.seen?.addr ?? ''}/${i}`;
        if (alone && chains.length === 1) {
          return (
            <div key={key}>
              <JobOf chain={chain} />
              <Chain of={chain} node={node.node} />
            </div>
          );
        }
        return <Folded key={key} chain={chain} node={node} open={open && i === 0} />;
      })}
      {node.more > 0 && <p className="dim">{t('explain.more', { count: node.more })}</p>}
    </section>
  );
}

function JobOf({ chain }: { chain: ExplainedChain }) {
  const { t } = useTranslation();
  return (
    <p className="spread tight jobof">
      <span className="dim">{t('explain.job')}</span>
      <b className="mono">
        <Name of={chain.job || chain.job_name} />
      </b>
      {chain.job === '' && <span className="dim">{t('explain.foreign')}</span>}
      {chain.matched !== 'addr' && <span className="tag">{t(`explain.matched.${chain.matched}`)}</span>}
    </p>
  );
}

/** One chain of several: its job and its verdict, and all of it when it is opened. */
function Folded({ chain, node, open }: { chain: ExplainedChain; node: ExplainedNode; open: boolean }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(open);
  const answer = answerOf(chain);
  const Icon = icons[answer];
  const addr = chain.record?.addr ?? chain.seen?.addr;
  return (
    <details className="folded" open={opened} onToggle={(e) => setOpened(e.currentTarget.open)}>
      <summary>
        <span className="state" data-state={colours[answer]}>
          <Icon size={15} aria-hidden />
          {t(`explain.scraped.${answer}`)}
        </span>{' '}
        <b className="mono">
          <Name of={chain.job || chain.job_name} />
        </b>{' '}
        {addr && chain.matched !== 'addr' && <Name of={addr} className="mono" />} <span>{plain(chain.verdict)}</span>
      </summary>
      {opened && (
        <>
          {(chain.job === '' || chain.matched !== 'addr') && <JobOf chain={chain} />}
          <Chain of={chain} node={node.node} />
        </>
      )}
    </details>
  );
}
