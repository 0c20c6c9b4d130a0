import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Job, type Node, ok, type Preview } from '../../api/client';
import { ApiError } from '../../api/problem';
import { Failure } from '../../components/failure';
import { Name } from '../../components/name';
import { PreviewOf } from '../../components/preview';
import { queryClient } from '../../data/queries';
import { mayEdit, useSession } from '../../data/session';
import { ChangeStrip } from '../node/changestrip';
import { words } from '../targets/problem';
import { checkAddr } from '../targets/rules';
import { type First, firstTargetQuery } from './data';

/** The first job and target of a node: asked for, or shown on their way to Prometheus. */
export function FirstTarget({ node, first }: { node: Node; first: First }) {
  const { t } = useTranslation();
  const session = useSession().data;
  const { job, target } = first;
  if (job && target) {
    return (
      <>
        <p className="spread" role="status">
          <b className="mono">
            <Name of={target.addr} />
          </b>
          <span>
            {t('start.inJob')}{' '}
            <b className="mono">
              <Name of={job.key} />
            </b>
          </span>
        </p>
        <ChangeStrip node={node} />
      </>
    );
  }
  if (session && !mayEdit(session)) return <p>{t('start.notEditor', { role: t(`role.${session.role}`) })}</p>;
  return <FirstForm node={node} job={job} />;
}

interface Wanted {
  key: string;
  interval: string;
  addr: string;
}

const postJob = (node: string, { key, interval }: Wanted, dry: boolean) =>
  ok(
    api.POST('/api/v1/jobs', {
      params: { query: { dry_run: dry } },
      body: { node, key, scrape_config: interval ? { scrape_interval: interval } : {} },
    }),
  );
const postTarget = (job: number, addr: string, dry: boolean) =>
  ok(api.POST('/api/v1/targets', { params: { query: { dry_run: dry } }, body: { job, addr } }));

function FirstForm({ node, job }: { node: Node; job?: Job }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<Wanted>({ key: 'node', interval: '15s', addr: 'localhost:9100' });
  const [preview, setPreview] = useState<Preview>();
  const refresh = () => queryClient.invalidateQueries({ queryKey: firstTargetQuery(node.uuid).queryKey });
  const typed = useRef(wanted); // what is typed meanwhile was not tried
  typed.current = wanted;
  // A job without targets can be looked at before it is there; its target only then.
  const trying = useMutation({
    mutationFn: async (wanted: Wanted) =>
      (job ? await postTarget(job.id, wanted.addr, true) : await postJob(node.uuid, wanted, true)) as Preview,
    onSuccess: (got, tried) => {
      if (tried === typed.current) setPreview(got);
    },
  });
  const saving = useMutation({
    mutationFn: async (wanted: Wanted) => {
      const id = job?.id ?? ((await postJob(node.uuid, wanted, false)) as Job).id;
      await postTarget(id, wanted.addr, false);
    },
    onError: () => setPreview(undefined),
    onSettled: refresh, // the job may be there and its target not
  });
  const failed = saving.error ?? trying.error;
  const wrong = failed instanceof ApiError ? failed : undefined;
  // No server tries a target whose job is not there: a job is not made for an address that it would refuse.
  const [refused, setRefused] = useState<string>();
  const field = (name: keyof Wanted, at: string) => ({
    label: t(`start.${name}`),
    value: wanted[name],
    onChange: (e: { currentTarget: { value: string } }) => {
      setWanted({ ...wanted, [name]: e.currentTarget.value.trim() });
      setPreview(undefined);
      setRefused(undefined);
      trying.reset();
      saving.reset();
    },
    error: wrong?.at(at),
    autoComplete: 'off',
    spellCheck: false,
    classNames: { input: 'mono' },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const problem = checkAddr(wanted.addr);
    if (problem) setRefused(words(t, { field: 'addr', ...problem }));
    else if (preview) saving.mutate(wanted);
    else trying.mutate(wanted);
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p>{t('start.targetHelp')}</p>
      <div className="options three">
        {job ? (
          <TextInput label={t('start.key')} value={job.key} readOnly classNames={{ input: 'mono' }} />
        ) : (
          <>
            <TextInput {...field('key', 'body.key')} required withAsterisk={false} />
            <TextInput {...field('interval', 'body.scrape_config')} />
          </>
        )}
        <TextInput
          {...field('addr', 'body.addr')}
          error={refused ?? wrong?.at('body.addr')}
          required
          withAsterisk={false}
        />
      </div>
      <Failure error={failed} told={['body.key', 'body.scrape_config', 'body.addr']} />
      {preview && (
        <>
          <PreviewOf preview={preview} />
          {!job && <p className="dim">{t('start.thenTarget', { addr: wanted.addr })}</p>}
        </>
      )}
      <Button type="submit" className="start" loading={trying.isPending || saving.isPending}>
        {preview ? t(job ? 'start.saveTarget' : 'start.save') : t('settings.preview')}
      </Button>
    </form>
  );
}
