import { CloseButton } from '@mantine/core';
import { IconCheck, IconCircle, IconLoader2, IconMinus, IconPlayerStopFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Name, plain } from '../../components/name';
import { duration } from '../../components/time';
import { nodeQuery } from '../../data/nodes';
import { type Mark, stepsOf } from '../node/strip';

/** A node whose last change is followed. */
export interface Followed {
  uuid: string;
  /** When it was saved, in milliseconds since 1970. */
  at: number;
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

/** The strip in one line: how far what was just saved is, on each node. */
export function Follow({ nodes, close, loaded }: { nodes: Followed[]; close: () => void; loaded: () => void }) {
  const { t } = useTranslation();
  if (nodes.length === 0) return null;
  return (
    <section className="follow" aria-label={t('targets.follow')}>
      <div>
        {nodes.slice(0, most).map((n) => (
          <OfNode key={n.uuid} of={n} loaded={loaded} />
        ))}
        {nodes.length > most && <p className="dim">{t('targets.moreNodes', { count: nodes.length - most })}</p>}
      </div>
      <CloseButton size="sm" aria-label={t('app.close')} onClick={close} />
    </section>
  );
}

function OfNode({ of, loaded }: { of: Followed; loaded: () => void }) {
  const { t } = useTranslation();
  const { data } = useQuery(nodeQuery(of.uuid));
  const now = data?.value.status;
  const done = now !== undefined && now.revision_wanted > of.before && now.revision_applied >= now.revision_wanted;
  const tell = useRef(loaded);
  tell.current = loaded;
  useEffect(() => {
    if (done) tell.current();
  }, [done]);
  if (!data) return <p className="waits" />;
  const node = data.value;
  const { status } = node;
  const unchanged = status.revision_wanted <= of.before;
  const steps = stepsOf(status);
  const last = steps.at(-1);
  const stopped = steps.find((s) => s.mark === 'stopped');
  const word = unchanged
    ? t('targets.noFile')
    : last?.mark === 'done'
      ? t('targets.loaded', { time: last.at === undefined ? '' : duration(Math.max(0, last.at - of.at)) })
      : stopped
        ? t(`stateHelp.${status.state}`)
        : t('targets.underway');
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
