import '../../styles/job.css';
import { Button, Menu, TextInput } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, Unreachable } from '../../api/problem';
import { Failure } from '../../components/failure';
import { useTitle } from '../../components/page';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { useUnsaved } from '../../components/unsaved';
import { useDryRun, useKept } from '../../data/dry-run';
import { follow } from '../../data/following';
import { bodyOf, createJob, tryNewJob } from '../../data/jobs';
import { nodeQuery } from '../../data/nodes';
import { mayEdit, useSession } from '../../data/session';
import { ScrapeConfigEditor } from '../../editor/editor';
import { Effect } from '../../editor/effect';
import { useFields } from '../../editor/fields';
import { useSaveKey } from '../../editor/use-save-key';
import { faultsOf, useScrapeConfig } from '../../editor/use-scrape-config';
import type { Fields } from '../../yaml/schema';
import { Crumbs } from './job';
import { starts } from './starts';

/** A job that is to be: its key, what it scrapes, and what that will do. */
export function NewJob() {
  const { t } = useTranslation();
  const { uuid } = useParams({ from: '/shell/nodes/$uuid/new-job' });
  const node = useQuery(nodeQuery(uuid)).data?.value;
  const { data: fields, error, refetch } = useFields();
  const session = useSession().data;
  useTitle(t('newJob.title'), node?.hostname);
  return (
    <>
      <Crumbs uuid={uuid} node={node}>
        {t('newJob.title')}
      </Crumbs>
      <header className="head nodehead">
        <h1>{t('newJob.title')}</h1>
        <p className="dim">{t('newJob.lead')}</p>
      </header>
      {session && !mayEdit(session) && (
        <p className="dim">{t('settings.readOnly', { role: t(`role.${session.role}`) })}</p>
      )}
      <Failure error={error} retry={refetch} />
      {fields && mayEdit(session) && <Form uuid={uuid} fields={fields} />}
    </>
  );
}

function Form({ uuid, fields }: { uuid: string; fields: Fields }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [key, setKey] = useState('');
  const [jobName, setJobName] = useState('');
  const [remark, setRemark] = useState('');
  const [text, setText] = useState('');
  const dirty = key !== '' || jobName !== '' || remark !== '' || text !== '';
  const config = useScrapeConfig(text, fields);
  const body =
    key !== '' && !config.late && config.json !== undefined
      ? bodyOf({ node: uuid, key, job_name: jobName || undefined, remark }, config.json)
      : undefined;
  const tried = useDryRun(['new', uuid], body, tryNewJob);
  const creating = useMutation({
    mutationFn: createJob,
    onSuccess: (job) => {
      follow(uuid);
      tell(t('newJob.done', { key: job.key }));
      void navigate({ to: '/nodes/$uuid/jobs/$key', params: { uuid, key: job.key } });
    },
  });
  useUnsaved(dirty && !creating.isSuccess, 'newJob.leave', { saving: creating.isPending });
  const ready = body !== undefined && tried.preview !== undefined && !creating.isPending;
  const [unsent, setUnsent] = useState<Unreachable>(); // nothing is created that was not seen first
  const create = () => {
    setUnsent(tried.error instanceof Unreachable ? new Unreachable('write') : undefined);
    if (ready && body !== undefined) creating.mutate(body);
  };
  useSaveKey(create);
  const found = useMemo(() => faultsOf(config, text, tried.error), [config, text, tried.error]);
  const faults = useKept(found, config.late || (config.faults.length === 0 && tried.pending));
  const error = useKept(tried.error, tried.pending);
  const at = (field: string) => (error instanceof ApiError ? error.at(`body.${field}`) : undefined);
  return (
    <div className="edit">
      <section className="stack">
        <div className="newfields">
          <TextInput
            label={t('jobs.key')}
            description={t('newJob.keyHelp')}
            value={key}
            onChange={(e) => setKey(e.currentTarget.value.trim())}
            error={key === '' ? undefined : at('key')}
            required
            autoFocus
            maxLength={128}
            autoComplete="off"
            spellCheck={false}
            classNames={{ input: 'mono' }}
          />
          <TextInput
            label={t('jobs.name')}
            description={t('newJob.nameHelp')}
            placeholder={key}
            value={jobName}
            onChange={(e) => setJobName(e.currentTarget.value)}
            error={at('job_name')}
            autoComplete="off"
            spellCheck={false}
            classNames={{ input: 'mono' }}
          />
          <TextInput
            label={t('jobs.remark')}
            description={t('newJob.remarkHelp')}
            value={remark}
            onChange={(e) => setRemark(e.currentTarget.value)}
            error={at('remark')}
          />
        </div>
        <div className="spread">
          <h2>scrape_config</h2>
          <span className="dim">{t('newJob.configHelp')}</span>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button
                size="compact-sm"
                variant="default"
                className="push"
                rightSection={<IconChevronDown size={14} aria-hidden />}
              >
                {t('newJob.start')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {starts.map(({ name, text: start }) => (
                <Menu.Item
                  key={name}
                  onClick={() => setText(text.trim() === '' ? start : `${text.trimEnd()}\n${start}`)}
                >
                  {t(`newJob.starts.${name}`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </div>
        <ScrapeConfigEditor
          label={t('job.config')}
          fields={fields}
          text={text}
          onChange={setText}
          save={create}
          faults={faults}
        />
        <p className="dim small">{config.comments && t('editor.comments')}</p>
        <Same
          cli={promfleet(
            'job',
            'create',
            `--node=${uuid}`,
            `--key=${key || 'KEY'}`,
            ...(jobName ? [`--job-name=${jobName}`] : []),
            ...(remark ? [`--remark=${remark}`] : []),
            `--scrape-config=${key || 'KEY'}.yaml`,
          )}
          api={curl('POST', '/jobs', {
            body: body ? JSON.parse(body) : { node: uuid, key: key || 'KEY', scrape_config: {} },
          })}
        />
      </section>
      <aside className="stack effect" aria-label={t('preview.title')}>
        <div className="spread">
          <Button onClick={create} disabled={!ready} loading={creating.isPending} aria-keyshortcuts="Control+S">
            {t('newJob.create')}
          </Button>
          <kbd>Ctrl S</kbd>
        </div>
        <Failure error={creating.error ?? unsent} />
        {key === '' ? (
          <p className="dim">{t('newJob.first')}</p>
        ) : (
          <Effect
            dirty
            changed
            faults={faults.length > 0}
            pending={config.late || tried.pending}
            preview={tried.preview}
            error={tried.error}
            told={['body.key', 'body.job_name', 'body.remark']}
            again={tried.again}
          />
        )}
      </aside>
    </div>
  );
}
