import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Job, ok } from '../../api/client';
import { plain } from '../../components/name';
import { hostOf } from '../../data/hosts';
import { jobOf } from './data';

interface NodePickerProps {
  value?: string;
  onChange: (uuid?: string) => void;
}

/** Chooses a node by a part of its name. */
export function NodePicker({ value, onChange }: NodePickerProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 150);
  const chosen = useQuery({ ...hostOf(value ?? ''), enabled: value !== undefined }).data;
  const found = useQuery({
    queryKey: ['targets', 'pick node', q],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/nodes', { params: { query: { q: q || undefined, limit: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });
  const data = (found.data?.items ?? []).map((n) => ({ value: n.uuid, label: plain(n.hostname) }));
  if (value !== undefined && !data.some((d) => d.value === value)) {
    data.unshift({ value, label: plain(chosen?.hostname ?? value) });
  }
  return (
    <Select
      className="picker"
      size="xs"
      aria-label={t('targets.node')}
      placeholder={t('targets.anyNode')}
      data={data}
      value={value ?? null}
      onChange={(uuid) => onChange(uuid ?? undefined)}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('filter.clear') }}
      nothingFoundMessage={t('palette.nothing')}
      filter={({ options }) => options} // the server has looked
      onSearchChange={(text) => setTyped(text === plain(chosen?.hostname ?? '') ? '' : text)}
    />
  );
}

interface JobPickerProps {
  node?: string;
  value?: number;
  onChange: (id?: number) => void;
  autoFocus?: boolean;
  label?: string;
}

/** Chooses a job by a part of its key. */
export function JobPicker({ node, value, onChange, autoFocus, label }: JobPickerProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 150);
  const chosen = useQuery({ ...jobOf(value ?? 0), enabled: value !== undefined }).data;
  const found = useQuery({
    queryKey: ['targets', 'pick job', node, q],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/jobs', { params: { query: { q: q || undefined, node, limit: 20, sort: 'key' } }, signal })),
    placeholderData: keepPreviousData,
  });
  const jobs = [...(found.data?.items ?? [])];
  if (chosen && !jobs.some((j) => j.id === chosen.id)) jobs.unshift(chosen);
  const hosts = useQueries({ queries: jobs.map((j) => hostOf(j.node)) });
  const named = (job: Job, i: number) => `${job.key} · ${plain(hosts[i]?.data?.hostname ?? '…')}`;
  return (
    <Select
      className="jobpicker"
      size="xs"
      label={label}
      aria-label={label ? undefined : t('targets.job')}
      placeholder={t('targets.pickJob')}
      data={jobs.map((j, i) => ({ value: String(j.id), label: named(j, i), disabled: j.targets_managed_by !== '' }))}
      value={value === undefined ? null : String(value)}
      onChange={(id) => onChange(id === null ? undefined : Number(id))}
      searchable
      openOnFocus={false}
      data-autofocus={autoFocus || undefined}
      nothingFoundMessage={t('palette.nothing')}
      filter={({ options }) => options}
      onSearchChange={(text) => setTyped(text.split(' · ')[0] ?? '')}
    />
  );
}
