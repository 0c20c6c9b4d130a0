import { Button, Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, type FleetEvent, ok } from '../../api/client';
import { Failure } from '../../components/failure';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { Ago } from '../../components/time';
import { Undo } from '../../components/undo';
import { SubjectName } from '../events/subject-name';
import { written } from './data';
import { draftOf, fields } from './draft';

const historyQuery = (id: number, job?: number) => ({
  queryKey: ['events', 'target', id, job],
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const read = (object: string) =>
      ok(api.GET('/api/v1/events', { params: { query: { object, limit: 100 } }, signal }));
    const [own, sets] = await Promise.all([
      read(`target/${id}`),
      job === undefined ? undefined : read(`job/${job}/targets`),
    ]);
    const about = (sets?.items ?? []).filter((e) => versionOf(e.before, id) || versionOf(e.after, id));
    return [...(own.items ?? []), ...about].sort((a, b) => b.id - a.id);
  },
});

type Version = Parameters<typeof draftOf>[0] & { id?: number };

/** The target as one side of an event has it: by itself, or among those of a set. */
function versionOf(side: unknown, id: number): Version | undefined {
  const record = side as (Version & { targets?: Version[] }) | null | undefined;
  if (!record || typeof record !== 'object') return undefined;
  if (Array.isArray(record.targets)) return record.targets.find((t) => t.id === id);
  return typeof record.addr === 'string' ? { ...record, labels: record.labels ?? {} } : undefined;
}

interface Props {
  id: number;
  addr?: string;
  job?: number;
  explain: () => void;
  close: () => void;
}

/** Who changed what of a target. */
export function History({ id, addr, job, explain, close }: Props) {
  const { t } = useTranslation();
  const events = useQuery(historyQuery(id, job));
  const newest = events.data?.[0];
  const name = addr ?? versionOf(newest?.after ?? newest?.before, id)?.addr;
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={640}
      title={
        <span className="spread tight">
          <span className="dim">{t('targets.history')}</span>
          {name && <Name of={name} className="mono" />}
        </span>
      }
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <div className="stack">
        <Button className="start" size="compact-sm" variant="default" onClick={explain}>
          {t('targets.explain')}
        </Button>
        <Failure error={events.error} retry={() => void events.refetch()} />
        {events.isLoading && <p className="waits" />}
        {events.data?.length === 0 && <p className="dim">{t('targets.noHistory')}</p>}
        <ol className="changes">
          {events.data?.map((event, i) => (
            <Change key={event.id} event={event} id={id} last={i === 0} />
          ))}
        </ol>
        <Same
          cli={promfleet('event', 'list', '--object', `target/${id}`)}
          api={curl('GET', '/events', { query: { object: `target/${id}` } })}
        />
      </div>
    </Drawer>
  );
}

function Change({ event, id, last }: { event: FleetEvent; id: number; last: boolean }) {
  const { t } = useTranslation();
  const before = versionOf(event.before, id);
  const after = versionOf(event.after, id);
  const texts = { before: before && draftOf(before), after: after && draftOf(after) };
  const differ = fields.filter((f) => (texts.before?.[f] ?? '') !== (texts.after?.[f] ?? ''));
  return (
    <li>
      <p className="spread">
        <b>
          <Name of={event.actor_name || event.actor} />
        </b>
        <span>
          {t(
            `events.action.${before && after ? event.action : after ? (event.action === 'update' ? 'create' : event.action) : 'delete'}`,
          )}
        </span>
        {!event.object.startsWith('target/') && (
          <Link to="/events" search={{ object: event.object, event: event.id }}>
            <SubjectName event={event} />
          </Link>
        )}
        <span className="dim">
          <Ago at={event.at} />
        </span>
        {last && (
          <span className="push">
            <Undo event={event} done={() => void written(event.node ? [event.node] : [])} />
          </span>
        )}
      </p>
      <dl className="diff">
        {differ.map((f) => (
          <div key={f}>
            <dt>{t(`targets.${f}`)}</dt>
            <dd className="mono pre">
              {texts.before?.[f] && (
                <del>
                  <Name of={texts.before[f]} />
                </del>
              )}
              {texts.after?.[f] && (
                <ins>
                  <Name of={texts.after[f]} />
                </ins>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}
