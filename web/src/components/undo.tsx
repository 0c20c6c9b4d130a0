import { Alert, Button, Modal } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type FleetEvent, ok, type Preview } from '../api/client';
import { ApiError, sentence } from '../api/problem';
import { pause } from '../data/dry-run';
import { followEffect } from '../data/following';
import { queryClient } from '../data/queries';
import { mayEdit, useSession } from '../data/session';
import { SubjectName } from '../pages/events/subject-name';
import { Failure } from './failure';
import { Name, plain } from './name';
import { PreviewOf } from './preview';
import { Same } from './same';
import { curl, promfleet } from './shell-words';
import { tell } from './tell';

/** Kinds of objects whose changes the server takes back; of others it would only say that it does not. */
const kinds = ['node', 'job', 'target', 'tag'];
const actions = ['create', 'update', 'delete', 'restore', 'revert'];

/** Whether an event is of a kind that can be undone; whether it still can, the server is asked. */
export const undoable = (event: FleetEvent) =>
  kinds.includes(event.object.split('/')[0] ?? '') && actions.includes(event.action);

const revert = (id: number, dry: boolean, signal?: AbortSignal) =>
  ok(api.POST('/api/v1/events/{id}/revert', { params: { path: { id }, query: { dry_run: dry } }, signal }));

/** A trial costs the server as much as a write: who only passes by an event asks for none. */
async function stayed(signal: AbortSignal): Promise<void> {
  await new Promise((go) => setTimeout(go, pause));
  signal.throwIfAborted();
}

/** What undoing an event would do; refused, if it cannot be undone any more. */
const tryingQuery = (id: number) =>
  queryOptions({
    queryKey: ['undo', id],
    queryFn: async ({ signal }) => {
      await stayed(signal);
      return (await revert(id, true, signal)) as Preview;
    },
    gcTime: 0,
    staleTime: 10_000,
    refetchOnWindowFocus: false,
    retry: false,
  });

/** Something has changed since, or cannot be taken back at all: that is an answer, and no failure. */
const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError && [404, 409, 422].includes(error.status);

/** A button that undoes an event, once one has seen what that does; where that cannot be done any more, why. For those who may. */
export function Undo({ event, done }: { event: FleetEvent; done?: () => void }) {
  const { t } = useTranslation();
  const session = useSession().data;
  const [opened, setOpened] = useState(false);
  const [undone, setUndone] = useState<number>();
  const offered = mayEdit(session) && undoable(event);
  const trying = useQuery({ ...tryingQuery(event.id), enabled: offered && undone !== event.id });
  if (!offered) return null;
  if (undone === event.id) return <span className="dim small">{t('undo.done')}</span>;
  if (isRefusal(trying.error) && !opened) {
    return (
      <span className="dim small wrap" role="note">
        <Name of={t('undo.refused', { why: sentence(trying.error) })} />
      </span>
    );
  }
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconArrowBackUp size={14} aria-hidden />}
        loading={trying.isPending}
        onClick={() => setOpened(true)}
      >
        {t('undo.button')}
      </Button>
      {opened && (
        <Dialog
          event={event}
          close={() => setOpened(false)}
          done={() => {
            setUndone(event.id);
            done?.();
          }}
        />
      )}
    </>
  );
}

function Failed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (!isRefusal(error)) return <Failure error={error} />;
  return (
    <Alert color="gray" variant="light" icon={<IconArrowBackUp aria-hidden />} title={t('undo.cannot')} role="status">
      <p className="pre">{plain(sentence(error))}</p>
    </Alert>
  );
}

function Dialog({ event, close, done }: { event: FleetEvent; close: () => void; done: () => void }) {
  const { t } = useTranslation();
  const trying = useQuery(tryingQuery(event.id));
  const doing = useMutation({
    mutationFn: () => revert(event.id, false),
    onSuccess: () => {
      close();
      tell(t('undo.done'));
      done();
      void followEffect(trying.data);
      // What it would do is not asked again, now that it is done.
      void queryClient.invalidateQueries({ predicate: (q) => q.queryKey[0] !== 'undo' });
    },
  });
  return (
    <Modal
      opened
      onClose={close}
      title={t('undo.title', { id: event.id })}
      closeButtonProps={{ 'aria-label': t('app.close') }}
      size="xl"
    >
      <div className="stack">
        <p className="wrap">
          <b>
            <Name of={event.actor_name || event.actor} />
          </b>{' '}
          {t(`events.action.${event.action}`)} <SubjectName event={event} />
        </p>
        {trying.isFetching && <p className="waits" />}
        <Failed error={trying.error} />
        {trying.data && !trying.isFetching && <PreviewOf preview={trying.data} />}
        <Failed error={doing.error} />
        <div className="spread">
          {!trying.error && (
            <Button
              onClick={() => doing.mutate()}
              loading={doing.isPending}
              disabled={!trying.data || trying.isFetching}
            >
              {t('undo.do')}
            </Button>
          )}
          <Button variant="default" onClick={close} data-autofocus>
            {trying.error ? t('app.close') : t('app.cancel')}
          </Button>
        </div>
        <Same cli={promfleet('event', 'revert', event.id)} api={curl('POST', `/events/${event.id}/revert`)} />
      </div>
    </Modal>
  );
}
