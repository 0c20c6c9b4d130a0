import { Button, FileButton, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Node, ok } from '../../api/client';
import { ApiError } from '../../api/problem';
import type { components } from '../../api/schema';
import { Failure } from '../../components/failure';
import { plain } from '../../components/name';
import { PreviewOf } from '../../components/preview';
import { Same } from '../../components/same';
import { address, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { keys, queryClient } from '../../data/queries';
import { mayEdit, useSession } from '../../data/session';

type FleetChange = components['schemas']['FleetChange'];

const post = (uuid: string, yml: string, dry: boolean) =>
  ok(
    api.POST('/api/v1/nodes/{uuid}/import', {
      params: { path: { uuid }, query: { dry_run: dry } },
      body: yml,
      bodySerializer: (text: string) => text,
      headers: { 'Content-Type': 'application/yaml' },
    }),
  );

/** Takes the prometheus.yml of a running Prometheus over: base config, jobs and targets as they are. */
export function Adopt({ node }: { node: Node }) {
  const { t } = useTranslation();
  const session = useSession().data;
  const [yml, setYml] = useState('');
  const trying = useMutation({ mutationFn: () => post(node.uuid, yml, true) });
  const saving = useMutation({
    mutationFn: () => post(node.uuid, yml, false),
    onSuccess: async () => {
      tell(t('adopt.done'));
      await queryClient.invalidateQueries({ queryKey: keys.nodeAll(node.uuid) });
    },
  });
  const change = trying.data;
  const failed = saving.error ?? trying.error;
  const edit = (text: string) => {
    setYml(text);
    trying.reset();
    saving.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (change) saving.mutate();
    else if (yml.trim() !== '') trying.mutate();
  };
  const cli = promfleet('import', '/etc/prometheus/prometheus.yml', '--node', node.uuid);
  return (
    <section className="stack">
      <h3>{t('adopt.title')}</h3>
      <p>{t('adopt.help')}</p>
      {mayEdit(session) && (
        <form className="stack" onSubmit={submit}>
          <Textarea
            label={t('adopt.paste')}
            value={yml}
            onChange={(e) => edit(e.currentTarget.value)}
            error={failed instanceof ApiError && failed.fields.length > 0}
            rows={8}
            resize="vertical"
            spellCheck={false}
            classNames={{ input: 'mono' }}
          />
          <Failure error={failed} />
          {change && <Change of={change} />}
          <div className="spread">
            <Button type="submit" disabled={yml.trim() === ''} loading={trying.isPending || saving.isPending}>
              {change ? t('adopt.import') : t('adopt.look')}
            </Button>
            {!change && (
              <FileButton
                accept=".yml,.yaml,application/yaml,text/plain"
                onChange={(file) => void file?.text().then(edit)}
              >
                {(props) => (
                  <Button {...props} variant="default">
                    {t('adopt.file')}
                  </Button>
                )}
              </FileButton>
            )}
          </div>
        </form>
      )}
      <Same
        cli={cli}
        api={`curl -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/yaml' --data-binary @/etc/prometheus/prometheus.yml ${address(`/nodes/${node.uuid}/import`)}`}
      />
    </section>
  );
}

/** What an import would bring. */
function Change({ of }: { of: FleetChange }) {
  const { t } = useTranslation();
  const changes = of.changes ?? [];
  return (
    <>
      <ul className="notices">
        {changes.map((c) => (
          <li key={`${c.kind}/${c.key ?? ''}`}>
            {t(`adopt.${c.action}`)}{' '}
            {c.kind === 'job' ? (
              <>
                {t('adopt.job')} <b className="mono">{plain(c.key ?? '')}</b>
                {c.targets.created > 0 && `, ${t('adopt.targets', { count: c.targets.created })}`}
              </>
            ) : (
              t('adopt.base')
            )}
          </li>
        ))}
        {changes.length === 0 && <li>{t('adopt.nothing')}</li>}
        {of.notes?.map((note) => (
          <li key={note} className="dim">
            {plain(note)}
          </li>
        ))}
      </ul>
      {of.preview && (
        <details>
          <summary>{t('preview.title')}</summary>
          <PreviewOf preview={of.preview} />
        </details>
      )}
    </>
  );
}
