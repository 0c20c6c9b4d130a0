import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Preview, type Target } from '../../api/client';
import { Danger } from '../../components/danger';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl } from '../../components/shell-words';
import { tell, tellFailure } from '../../components/tell';
import { useSession } from '../../data/session';
import i18next from '../../i18n';
import { cli, queryOf } from './bulk';
import { bulkEventsSince, lastEvent, previewBulk, revertEvent, type Scope, type Written, writeBulk } from './data';

interface Props {
  scope: Scope;
  count: number;
  /** It is this one alone. */
  only?: Target;
  close: () => void;
  /** Something of it is done, on these nodes, now or by taking it back. */
  done: (nodes: string[], written?: Written) => void;
}

/** Whether a job has no other targets than one. */
const isLast = async ({ job }: Target) =>
  (await ok(api.GET('/api/v1/targets', { params: { query: { job, limit: 1 } } }))).total <= 1;

/** Deletes targets, once one has seen what stops being scraped. */
export function Remove({ scope, count, only, close, done }: Props) {
  const { t } = useTranslation();
  const actor = useSession().data?.actor ?? '';
  const [seen, setSeen] = useState<Preview>();
  const [last, setLast] = useState(false);
  // How many they are is typed; of one alone its address, if it leaves its job with none.
  const name = only ? (last ? only.addr : undefined) : t('targets.countName', { count });
  const body = { deleted: true } as const;
  const run = async () => {
    const before = await lastEvent();
    const written = await writeBulk(scope, body);
    const nodes = (seen?.nodes ?? []).map((n) => n.node);
    done(nodes, written);
    const events = await bulkEventsSince(before, actor).catch(() => []);
    offerUndo(
      t('targets.deleted', { count: written.updated }),
      events.map((e) => e.id),
      () => done(nodes),
    );
  };
  const gone = (seen?.nodes ?? []).flatMap((n) => n.removed ?? []);
  return (
    <Danger
      close={close}
      title={t('targets.deleteTitle', { count })}
      name={name}
      action={t('targets.deleteDo', { count })}
      preview={async () => {
        const [preview, last] = await Promise.all([previewBulk(scope, body), only ? isLast(only) : false]);
        setLast(last);
        setSeen(preview);
        return preview;
      }}
      run={run}
    >
      <p>{t('targets.deleteHelp')}</p>
      {gone.length > 0 && (
        <p className="goners mono small">
          {gone.slice(0, 12).map((addr) => (
            <span key={addr} className="label">
              <Name of={addr} />
            </span>
          ))}
          {count > 12 && (
            <span className="dim">{t('targets.andMore', { count: count - Math.min(12, gone.length) })}</span>
          )}
        </p>
      )}
      <Same cli={cli(scope, body)} api={curl('PATCH', '/targets', { query: queryOf(scope), body })} />
    </Danger>
  );
}

/** Says that something is done, and lets it be undone for a while. */
function offerUndo(message: string, events: number[], undone: () => void): void {
  const id = `undo-${events.join('-')}`;
  const { t } = i18next;
  const undo = async () => {
    notifications.hide(id);
    try {
      for (const event of events) await revertEvent(event);
      tell(t('undo.done'));
    } catch (error) {
      tellFailure(error);
    }
    undone(); // some of it may be
  };
  notifications.show({
    id,
    autoClose: 20_000,
    closeButtonProps: { 'aria-label': t('app.close') },
    message: (
      <span className="spread">
        {message}
        {events.length > 0 && (
          <Button size="compact-sm" variant="default" onClick={() => void undo()}>
            {t('targets.undo')}
          </Button>
        )}
      </span>
    ),
  });
}
