import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Previews } from '../data/previews';
import { Failure } from './failure';
import { Name, plain } from './name';
import { PreviewOf } from './preview';
import { useGiveBack } from './use-give-back';

interface Props {
  close: () => void;
  title: string;
  /** What is to be typed; without it, the button alone is enough. */
  name?: string;
  /** The word on the button. */
  action: string;
  /** Nothing stops: it is only to be seen first. */
  calm?: boolean;
  /** What stops, in words. */
  children?: ReactNode;
  /** What stops, as the server says it (dry_run); asked for when the dialog opens. */
  preview?: () => Promise<Previews>;
  run: (seen?: Previews) => Promise<unknown>;
  /** It is done, with what was seen before. */
  done?: (seen?: Previews) => void;
}

/**
 * Asks before a step that stops something: it says what stops, and wants the name typed.
 * Draw it while it is to be seen: {deleting && <Danger … />}.
 */
export function Danger({ close, title, name, action, calm, children, preview, run, done }: Props) {
  const { t } = useTranslation();
  useGiveBack();
  const [typed, setTyped] = useState('');
  const asked = useQuery({
    queryKey: ['danger', useId(), title],
    queryFn: () => preview?.() ?? null,
    enabled: preview !== undefined,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const doing = useMutation({
    mutationFn: run,
    onSuccess: (_, seen) => {
      close();
      done?.(seen);
    },
  });
  // A name that cannot be typed is shown, and taken, as it can be (see plain).
  const named = name === undefined || typed === name || typed.trim() === plain(name).trim();
  const ready = named && (preview === undefined || asked.data !== undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) doing.mutate(asked.data ?? undefined);
  };
  return (
    <Modal
      opened
      onClose={close}
      title={<span className="wrap">{plain(title)}</span>}
      closeButtonProps={{ 'aria-label': t('app.close') }}
      size="lg"
    >
      <form onSubmit={submit} className="stack danger">
        {children}
        {preview && (asked.data ? <PreviewOf preview={asked.data} /> : asked.isLoading && <p className="waits" />)}
        <Failure error={asked.error} retry={asked.refetch} />
        {name !== undefined && (
          <TextInput
            label={
              <span className="wrap">
                {t('danger.type')}{' '}
                <b className="mono">
                  <Name of={name} />
                </b>
              </span>
            }
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
            data-autofocus
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <Failure error={doing.error} />
        <div className="spread dialogfoot">
          <Button type="submit" color={calm ? undefined : 'red'} disabled={!ready} loading={doing.isPending}>
            {action}
          </Button>
          <Button variant="default" onClick={close} data-autofocus={name === undefined || undefined}>
            {t('app.cancel')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
