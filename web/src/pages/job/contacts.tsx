import { ActionIcon, Button, MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPencil } from '@tabler/icons-react';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Contact, ok } from '../../api/client';
import { Failure } from '../../components/failure';
import { Name, plain } from '../../components/name';
import { useUnsaved } from '../../components/unsaved';
import { changeJob, type JobRead } from '../../data/jobs';

const most = 20; // of a record

const contactsOf = (query: { job?: number; q?: string; limit: number }) => ({
  queryKey: ['contacts', query],
  queryFn: ({ signal }: { signal: AbortSignal }) => ok(api.GET('/api/v1/contacts', { params: { query }, signal })),
});

const called = (c: Contact) => [c.user_name, c.addr || c.tel].filter(Boolean).join(' · ');

/** Whom to reach about a job. */
export function Contacts({ read, editable }: { read: JobRead; editable: boolean }) {
  const { t } = useTranslation();
  const { job } = read;
  const [editing, setEditing] = useState(false);
  const ids = job.contacts ?? [];
  // Of those the job names, only the live ones are told of.
  const own = useQuery({
    ...contactsOf({ job: job.id, limit: most }),
    queryKey: ['contacts', { job: job.id, ids }],
    enabled: ids.length > 0,
  });
  const contacts = ids.length > 0 ? (own.data?.items ?? []) : [];
  if (editing) return <Choose read={read} chosen={contacts} close={() => setEditing(false)} />;
  return (
    <p className="spread tight contacts">
      <span className="dim">{t('job.contacts')}</span>
      {contacts.map((c) => (
        <span key={c.id} className="tag" title={plain([c.addr, c.tel].filter(Boolean).join('\n'))}>
          <Name of={called(c)} />
        </span>
      ))}
      {ids.length === 0 && <span className="dim">{t('app.none')}</span>}
      <Failure error={own.error} retry={own.refetch} />
      {editable && (ids.length === 0 || own.isSuccess) && (
        <ActionIcon
          variant="subtle"
          color="gray"
          size={22}
          aria-label={t('job.editContacts')}
          onClick={() => setEditing(true)}
        >
          <IconPencil size={14} aria-hidden />
        </ActionIcon>
      )}
    </p>
  );
}

function Choose({ read, chosen, close }: { read: JobRead; chosen: Contact[]; close: () => void }) {
  const { t } = useTranslation();
  const [value, setValue] = useState(chosen.map((c) => String(c.id)));
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 150);
  const found = useQuery({ ...contactsOf({ q: q || undefined, limit: 50 }), placeholderData: keepPreviousData });
  const [known, setKnown] = useState(() => new Map(chosen.map((c) => [String(c.id), plain(called(c))])));
  const options = new Map(known);
  for (const c of found.data?.items ?? []) options.set(String(c.id), plain(called(c)));
  useUnsaved(
    [...value].sort().join() !==
      chosen
        .map((c) => String(c.id))
        .sort()
        .join(),
  );
  const save = useMutation({
    mutationFn: () => changeJob(read, { contacts: value.map(Number) }),
    onSuccess: close,
  });
  return (
    <div className="spread contacts">
      <MultiSelect
        size="xs"
        className="grow"
        label={t('job.contacts')}
        data={[...options].map(([value, label]) => ({ value, label }))}
        value={value}
        maxValues={most}
        searchable
        searchValue={text}
        onSearchChange={setText}
        filter={({ options }) => options} // the server has looked already
        nothingFoundMessage={t('job.noContact')}
        autoFocus
        onChange={(next) => {
          setKnown(new Map(next.map((id) => [id, options.get(id) ?? id])));
          setValue(next);
        }}
      />
      <Button size="compact-sm" loading={save.isPending} onClick={() => save.mutate()}>
        {t('job.save')}
      </Button>
      <Button size="compact-sm" variant="default" onClick={close}>
        {t('app.cancel')}
      </Button>
      {save.error && <Failure error={save.error} />}
    </div>
  );
}
