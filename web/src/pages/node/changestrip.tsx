import { IconCheck, IconMinus, IconPlayerStopFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, type Node, ok } from '../../api/client';
import { Name } from '../../components/name';
import { Ago, absolute, duration } from '../../components/time';
import { keys } from '../../data/queries';
import { type Step, stepsOf } from './strip';

/** The last revision of a node: the number says which one is meant. */
export const lastRevision = (uuid: string, number: number) => ({
  queryKey: [...keys.revisions(uuid), 'last', number],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    ok(api.GET('/api/v1/nodes/{uuid}/revisions', { params: { path: { uuid }, query: { limit: 1 } }, signal })),
});

/** Follows the last change of a node, which the page has named or not, from its save to the running Prometheus. */
export function ChangeStrip({ node, named }: { node: Node; named?: boolean }) {
  const { t } = useTranslation();
  const wanted = node.status.revision_wanted;
  const { data } = useQuery(lastRevision(node.uuid, wanted));
  const revision = data?.items?.find((r) => r.number === wanted);
  const steps = stepsOf(node.status, revision?.at);
  const first = steps[0]?.at;
  const last = steps.at(-1);
  // What is told to who does not see the strip.
  const now =
    steps.find((s) => s.mark === 'now' || s.mark === 'stopped') ??
    steps.findLast((s) => s.mark === 'done' || s.mark === 'skipped');
  return (
    <section className="strip" aria-label={t('strip.label', { revision: wanted })} data-state={node.status.state}>
      <header>
        {named && (
          <Link to="/nodes/$uuid" params={{ uuid: node.uuid }}>
            <Name of={node.hostname} />
          </Link>
        )}
        <h2>{t('strip.title', { revision: wanted })}</h2>
        {revision && (
          <span className="dim">
            <Name of={t('strip.by', { who: revision.actor_name || revision.actor })} /> · <Ago at={revision.at} />
          </span>
        )}
        {last?.mark === 'done' && last.at !== undefined && first !== undefined && (
          <span className="total">{t('strip.total', { time: duration(last.at - first) })}</span>
        )}
      </header>
      <p className="visually-hidden" role="status">
        {now && `${t('strip.title', { revision: wanted })}: ${t(`strip.${now.key}`)}, ${t(`strip.${now.mark}`)}`}
      </p>
      <ol>
        {steps.map((step, i) => (
          <Stage key={step.key} step={step} before={steps[i - 1]} first={first} />
        ))}
      </ol>
    </section>
  );
}

function Stage({ step, before, first }: { step: Step; before?: Step; first?: number }) {
  const { t, i18n } = useTranslation();
  const { key, mark, at } = step;
  const reached = mark === 'done' || mark === 'skipped';
  return (
    <li
      data-mark={mark}
      data-reached={reached || undefined}
      data-line={reached && before ? 'full' : mark === 'now' ? 'part' : undefined}
    >
      <span className="dot" aria-hidden>
        {mark === 'done' && <IconCheck size={14} stroke={3} />}
        {mark === 'skipped' && <IconMinus size={14} stroke={3} />}
        {mark === 'stopped' && <IconPlayerStopFilled size={11} />}
      </span>
      <span className="word">{t(`strip.${key}`)}</span>
      <span className="when">
        {at !== undefined ? (
          <time dateTime={new Date(at).toISOString()} title={absolute(at, i18n.language)}>
            {key === 'saved' || first === undefined ? clock(at, i18n.language) : `+${duration(at - first)}`}
          </time>
        ) : mark === 'skipped' ? (
          <span title={t('strip.skipped')}>{t('strip.skippedShort')}</span>
        ) : (
          t(`strip.${mark}`)
        )}
      </span>
    </li>
  );
}

const clock = (at: number, language: string) => new Date(at).toLocaleTimeString(language);
