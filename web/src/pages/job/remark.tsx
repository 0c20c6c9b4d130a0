import { ActionIcon, Button, TextInput } from '@mantine/core';
import { IconPencil } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api/problem';
import { Failure } from '../../components/failure';
import { Name } from '../../components/name';
import { useUnsaved } from '../../components/unsaved';
import { changeJob, type JobRead } from '../../data/jobs';

/** What a job is for, edited where it stands. */
export function Remark({ read, editable }: { read: JobRead; editable: boolean }) {
  const { t } = useTranslation();
  const [text, setText] = useState<string>();
  const pencil = useRef<HTMLButtonElement>(null);
  const { remark } = read.job;
  const save = useMutation({
    mutationFn: (remark: string) => changeJob(read, { remark }),
    onSuccess: () => close(),
  });
  useUnsaved(text !== undefined && text !== remark);
  const close = () => {
    setText(undefined);
    save.reset();
    // Whoever typed goes on where they began.
    requestAnimationFrame(() => pencil.current?.focus());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text === undefined) return;
    if (text === remark) close();
    else save.mutate(text);
  };
  if (text === undefined) {
    return (
      <p className="spread tight remark">
        {remark ? <Name of={remark} /> : <span className="dim">{t('job.noRemark')}</span>}
        {editable && (
          <ActionIcon
            ref={pencil}
            variant="subtle"
            color="gray"
            size={22}
            aria-label={t('job.editRemark')}
            onClick={() => setText(remark)}
          >
            <IconPencil size={14} aria-hidden />
          </ActionIcon>
        )}
      </p>
    );
  }
  const field = save.error instanceof ApiError ? save.error.at('body.remark') : undefined;
  return (
    <form onSubmit={submit} className="spread remark">
      <TextInput
        size="xs"
        className="grow"
        aria-label={t('jobs.remark')}
        value={text}
        error={field}
        autoFocus
        onChange={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') close();
        }}
      />
      <Button type="submit" size="compact-sm" loading={save.isPending}>
        {t('job.save')}
      </Button>
      <Button size="compact-sm" variant="default" onClick={close}>
        {t('app.cancel')}
      </Button>
      {save.error && !field && <Failure error={save.error} />}
    </form>
  );
}
