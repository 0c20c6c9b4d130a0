import { Alert, Button } from '@mantine/core';
import { IconGitMerge } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { StaleError, Unreachable } from '../../api/problem';
import { Conflict } from '../../components/conflict';
import { Failure } from '../../components/failure';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { useUnsaved } from '../../components/unsaved';
import { useDryRun, useKept } from '../../data/dry-run';
import { follow } from '../../data/following';
import { bodyOf, type JobRead, putJob, readJobById, saveJob, tryJob } from '../../data/jobs';
import { mayEdit, useSession } from '../../data/session';
import { ScrapeConfigEditor } from '../../editor/editor';
import { Effect } from '../../editor/effect';
import { useFields } from '../../editor/fields';
import { useSaveKey } from '../../editor/use-save-key';
import { faultsOf, useScrapeConfig } from '../../editor/use-scrape-config';
import type { Fields } from '../../yaml/schema';
import { canonical, configOf, readJson, writeYaml } from '../../yaml/write';
import { useJob } from './use-job';

/** The scrape_config of a job, and what a change of it would do. */
export function JobConfig() {
  const read = useJob();
  const { data: fields, error, refetch } = useFields();
  if (error) return <Failure error={error} retry={refetch} />;
  if (!fields) return <p className="waits editorwaits" />;
  return <Edit key={read.job.id} read={read} fields={fields} />;
}

const yamlOf = (read: JobRead) => writeYaml((readJson(read.text) as { scrape_config: unknown }).scrape_config);

function Edit({ read, fields }: { read: JobRead; fields: Fields }) {
  const { t } = useTranslation();
  const session = useSession().data;
  const { at } = useSearch({ from: '/shell/nodes/$uuid/jobs/$key/config' });
  const editable = mayEdit(session) && read.job.managed_by === '';
  const theirs = useMemo(() => yamlOf(read), [read]);
  // What the edit began with: another one's save must not pass unseen.
  const [from, setFrom] = useState({ text: theirs, yaml: theirs });
  const saved = useMemo(() => configOf(read.text), [read.text]);
  const [text, setText] = useState(theirs);
  const [merging, setMerging] = useState(false);
  const config = useScrapeConfig(text, fields);
  const dirty = text !== from.text;
  const overtaken = theirs !== from.yaml;
  useEffect(() => {
    if (!dirty && overtaken) {
      setFrom({ text: theirs, yaml: theirs });
      setText(theirs);
    }
  }, [dirty, overtaken, theirs]);
  useUnsaved(dirty, 'editor.leave');

  const spelled = useMemo(() => (config.json === undefined ? undefined : canonical(config.json)), [config.json]);
  const changed = dirty && spelled !== undefined && (overtaken || spelled !== saved);
  const { id } = read.job;
  const body =
    changed && !overtaken && !config.late && config.json !== undefined ? bodyOf(read.job, config.json) : undefined;
  const stale = async (error: unknown) => {
    if (error instanceof StaleError) putJob(await readJobById(id));
  };
  const tried = useDryRun([id, read.etag], body, (body, signal) =>
    tryJob(id, read.etag, body, signal).catch(async (error: unknown) => {
      await stale(error);
      throw error;
    }),
  );
  const saving = useMutation({
    mutationFn: ({ body }: { body: string; effect: boolean; sent: string; means?: string }) =>
      saveJob(id, read.etag, body),
    onSuccess: (saved, { effect, sent, means }) => {
      const yaml = yamlOf(saved);
      // Comments stay as long as one looks at them; a secret does not.
      const kept = configOf(saved.text) === means ? sent : yaml;
      setFrom({ text: kept, yaml });
      setText((now) => (now === sent ? kept : now)); // what was typed meanwhile is the next edit
      if (effect) follow(saved.job.node);
      tell(t('editor.saved'));
    },
    onError: async (error) => {
      await stale(error);
      if (error instanceof StaleError) setMerging(true);
    },
  });
  const ready = editable && body !== undefined && tried.preview !== undefined && !saving.isPending;
  // Nothing is saved that was not seen first; while the server is away, nothing can be.
  const [unsent, setUnsent] = useState<Unreachable>();
  const save = () => {
    const unseen = dirty && tried.error instanceof Unreachable;
    setUnsent(unseen ? new Unreachable('write') : undefined);
    if (overtaken && dirty) setMerging(true);
    else if (ready && body !== undefined)
      saving.mutate({ body, effect: (tried.preview?.nodes?.length ?? 0) > 0, sent: text, means: spelled });
  };
  useSaveKey(save);
  const error = tried.error instanceof StaleError ? null : tried.error;
  const found = useMemo(() => faultsOf(config, text, error), [config, text, error]);
  const pending = config.late || tried.pending;
  const faults = useKept(found, config.late || (config.faults.length === 0 && tried.pending));
  const failed = saving.error instanceof StaleError ? null : (saving.error ?? (dirty ? unsent : null));
  return (
    <div className="edit" data-readonly={!editable || undefined}>
      <section className="stack">
        {!editable && session && (
          <p className="dim">
            {read.job.managed_by !== ''
              ? t('job.managedHelp')
              : t('settings.readOnly', { role: t(`role.${session.role}`) })}
          </p>
        )}
        <ScrapeConfigEditor
          label={t('job.configOf', { key: read.job.key })}
          fields={fields}
          text={text}
          onChange={editable ? setText : undefined}
          save={save}
          faults={faults}
          at={at}
        />
        <p className="dim small">
          {t('editor.secrets')} {config.comments && <b>{t('editor.comments')}</b>}
        </p>
        <Same
          cli={promfleet('job', 'update', id, '--scrape-config', `${read.job.key}.yaml`, '--if-match', read.etag)}
          api={curl('PUT', `/jobs/${id}`, { etag: read.etag, body: JSON.parse(body ?? bodyOf(read.job, '{}')) })}
        />
      </section>
      {editable && (
        <aside className="stack effect" aria-label={t('preview.title')}>
          <div className="spread">
            <Button onClick={save} disabled={!ready} loading={saving.isPending} aria-keyshortcuts="Control+S">
              {t('settings.save')}
            </Button>
            <kbd>Ctrl S</kbd>
            {dirty && (
              <>
                <Button variant="default" onClick={() => setText(from.text)}>
                  {t('settings.discard')}
                </Button>
                <span className="tag">{t('settings.unsaved')}</span>
              </>
            )}
          </div>
          {overtaken && dirty && !saving.isPending && (
            <Alert
              color="yellow"
              variant="light"
              icon={<IconGitMerge aria-hidden />}
              title={t('editor.overtaken')}
              role="alert"
            >
              <Button size="compact-sm" variant="default" onClick={() => setMerging(true)}>
                {t('editor.merge')}
              </Button>
            </Alert>
          )}
          <Failure error={failed} />
          {!(overtaken && dirty) && (
            <Effect
              dirty={dirty}
              changed={changed}
              faults={config.faults.length > 0 || faults.length > 0}
              pending={pending}
              preview={tried.preview}
              error={error}
              again={tried.again}
            />
          )}
        </aside>
      )}
      {merging && (
        <Conflict
          title={t('editor.staleTitle', { key: read.job.key })}
          theirs={theirs}
          // In the same order, so that only what differs is seen.
          mine={config.json === undefined ? text : writeYaml(readJson(config.json))}
          take={(merged) => {
            setFrom({ text: theirs, yaml: theirs });
            setText(merged);
            setMerging(false);
            saving.reset();
          }}
          close={() => setMerging(false)}
        />
      )}
    </div>
  );
}
