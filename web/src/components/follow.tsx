import '../styles/follow.css';
import { CloseButton } from '@mantine/core';
import { IconCheck, IconCircle, IconLoader2, IconMinus, IconPlayerStopFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { nodeQuery } from '../data/nodes';
import { lastRevision } from '../pages/node/changestrip';
import { type Mark, stepsOf } from '../pages/node/strip';
import { Name, plain } from './name';
import { duration } from './time';

/** A node whose last change is followed. */
export interface Followed {
  uuid: string;
  /** The revision that it was wanted to have before. */
  before: number;
}

const icons: Record<Mark, typeof IconCheck> = {
  done: IconCheck,
  skipped: IconMinus,
  now: IconLoader2,
  waiting: IconCircle,
  stopped: IconPlayerStopFilled,
};

/** How many nodes are followed one by one. */
const most = 4;

interface Props {
  nodes: Followed[];
  /** How many nodes beside these. */
  more?: number;
  close: () => void;
  /** A node has it loaded. */
  loaded?: () => void;
}

/** The strip in one line: how far what was just saved is, on each node. */
export function Follow({ nodes, more = 0, close, loaded }: Props) {
  const { t } = useTranslation();
  if (nodes.length === 0) return null;
  const rest = more + Math.max(0, nodes.length - most);
  return (
    <section className="follow noprint" aria-label={t('follow.title')}>
      <div>
        {nodes.slice(0, most).map((n) => (
          <OfNode key={n.uuid} of={n} loaded={loaded} />
        ))}
        {rest > 0 && <p className="dim">{t('preview.moreNodes', { count: rest })}</p>}
      </div>
      <CloseButton size="sm" aria-label={t('app.close')} onClick={close} />
    </section>
  );
}

function OfNode({ of, loaded }: { of: Followed; loaded?: () => void }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(nodeQuery(of.uuid));
  const now = data?.value.status;
  const done = now !== undefined && now.revision_wanted > of.before && now.revision_applied >= now.revision_wanted;
  // Both ends by the server's clock.
  const revisions = useQuery({ ...lastRevision(of.uuid, now?.revision_wanted ?? 0), enabled: done }).data?.items;
  const tell = useRef(loaded);
  tell.current = loaded;
  useEffect(() => {
    if (done) tell.current?.();
  }, [done]);
  if (!data) return error ? null : <p className="waits" />; // it may be gone
  const node = data.value;
  const { status } = node;
  const unchanged = status.revision_wanted <= of.before;
  const steps = stepsOf(status, revisions?.find((r) => r.number === status.revision_wanted)?.at);
  const from = steps[0]?.at;
  const last = steps.at(-1);
  const stopped = steps.find((s) => s.mark === 'stopped');
  const word = unchanged
    ? t('follow.noFile')
    : last?.mark === 'done'
      ? last.at === undefined || from === undefined
        ? t('follow.isLoaded')
        : t('follow.loaded', { time: duration(last.at - from) })
      : stopped
        ? t(`stateHelp.${status.state}`)
        : t('follow.underway');
  return (
    <p className="spread" data-state={status.state}>
      <Link to="/nodes/$uuid" params={{ uuid: of.uuid }}>
        <Name of={node.hostname} />
      </Link>
      {!unchanged && (
        <span className="ministrip">
          {steps.map(({ key, mark }) => {
            const Icon = icons[mark];
            return (
              <span
                key={key}
                data-mark={mark}
                title={`${t(`strip.${key}`)}: ${mark === 'skipped' ? t('strip.skipped') : t(`strip.${mark}`)}`}
              >
                <Icon size={13} stroke={2.5} aria-hidden />
                {t(`strip.${key}`)}
                <span className="visually-hidden">
                  : {mark === 'skipped' ? t('strip.skipped') : t(`strip.${mark}`)}
                </span>
              </span>
            );
          })}
        </span>
      )}
      <span role="status" className={last?.mark === 'done' || unchanged ? undefined : 'dim'}>
        {word}
      </span>
      {stopped && status.last_error && <span className="mono small">{plain(status.last_error)}</span>}
    </p>
  );
}
