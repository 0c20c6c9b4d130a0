import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Node, ok, type Preview, tagged } from '../../api/client';
import { ApiError, StaleError, Unreachable } from '../../api/problem';
import { Code } from '../../components/code';
import { Conflict } from '../../components/conflict';
import { Failure } from '../../components/failure';
import { Followed } from '../../components/followed';
import { PreviewOf } from '../../components/preview';
import { PreviewLine } from '../../components/preview-line';
import { TagsInput } from '../../components/tagsinput';
import { tell } from '../../components/tell';
import { useUnsaved } from '../../components/unsaved';
import { useDryRun } from '../../data/dry-run';
import { follow } from '../../data/following';
import { putNode, readNode } from '../../data/nodes';
import { mayEdit, useSession } from '../../data/session';
import { DeleteNode } from './delete';
import { HostPolicy } from './policy';
import { SettingsSame } from './settings-same';
import { useNode } from './use-node';

/** What people set of a node: its tags and its base config. */
export function Settings() {
  const { t } = useTranslation();
  const { node, etag } = useNode();
  const session = useSession().data;
  const editable = mayEdit(session);
  return (
    <div className="settings">
      {!editable && session && <p className="dim">{t('settings.readOnly', { role: t(`role.${session.role}`) })}</p>}
      <Followed node={node} />
      <Tags node={node} etag={etag} editable={editable} />
      <Base key={node.uuid} node={node} etag={etag} editable={editable} />
      <SettingsSame node={node} etag={etag} editable={editable} />
      <HostPolicy node={node} />
      {editable && <DeleteNode node={node} etag={etag} />}
    </div>
  );
}

interface Props {
  node: Node;
  etag: string;
  editable: boolean;
}

type Patch = { tags?: string[]; base_config?: string };

const patch = (uuid: string, etag: string, body: Patch, dry: boolean, signal?: AbortSignal) =>
  api.PATCH('/api/v1/nodes/{uuid}', {
    params: { path: { uuid }, query: { dry_run: dry }, header: { 'If-Match': etag } },
    body,
    headers: { 'Content-Type': 'application/merge-patch+json' },
    signal,
  });

const preview = (uuid: string, etag: string, body: Patch, signal?: AbortSignal) =>
  ok(patch(uuid, etag, body, true, signal)) as Promise<Preview>;

function Tags({ node, etag, editable }: Props) {
  const { t } = useTranslation();
  const saved = node.tags ?? [];
  const [edited, setEdited] = useState<string[]>();
  const tags = edited ?? saved;
  const dirty = edited !== undefined && [...edited].sort().join() !== [...saved].sort().join();
  useUnsaved(dirty);
  const [whole, setWhole] = useState(false);
  // Tags are few, and what was typed stays: it is tried, and saved, over what is there now.
  const stale = (error: Error) => {
    if (error instanceof StaleError) void readNode(node.uuid).then(({ value, etag }) => putNode(value, etag));
  };
  const tried = useDryRun(['node', node.uuid, etag], dirty ? JSON.stringify(edited) : undefined, (tags, signal) =>
    preview(node.uuid, etag, { tags: JSON.parse(tags) }, signal).catch((error: Error) => {
      stale(error);
      throw error;
    }),
  );
  const save = useMutation({
    mutationFn: () => tagged(patch(node.uuid, etag, { tags }, false)),
    onSuccess: ({ value, etag }) => {
      putNode(value as Node, etag);
      setEdited(undefined);
      tell(t('settings.tagsSaved'));
    },
    onError: stale,
  });
  const away = tried.error instanceof Unreachable;
  const failed = save.error ?? (away ? null : tried.error);
  return (
    <section className="stack">
      <TagsInput
        label={t('settings.tags')}
        description={t('settings.tagsHelp')}
        value={tags}
        onChange={(next) => {
          setEdited(next);
          save.reset();
        }}
        readOnly={!editable}
        maxTags={64}
        error={failed instanceof ApiError ? failed.at('body.tags') : undefined}
      />
      <Failure error={failed} told={['body.tags']} />
      {dirty && (
        <PreviewLine
          preview={tried.preview}
          pending={tried.pending}
          idle={away ? t('error.notTried') : undefined}
          whole={whole}
          setWhole={setWhole}
        />
      )}
      {editable && (
        <div className="spread">
          <Button
            variant="default"
            disabled={!dirty || tried.preview === undefined}
            loading={save.isPending}
            onClick={() => save.mutate()}
          >
            {t('settings.saveTags')}
          </Button>
          {dirty && (
            <Button variant="default" onClick={() => setEdited(undefined)}>
              {t('settings.discard')}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

/** What is said of a node without a base config here: its host's own holds, which only the agent knows. */
function HostsOwn({ uuid }: { uuid: string }) {
  const { t } = useTranslation();
  return (
    <p>
      {t('base.hosts')}{' '}
      <Link to="/nodes/$uuid/config" params={{ uuid }} search={{ view: 'loaded' }}>
        {t('base.see')}
      </Link>
    </p>
  );
}

/** The line of a text that a message of Prometheus's parser names. */
export function lineOf(message: string): number | undefined {
  const line = /\bline (\d+)/.exec(message)?.[1];
  return line === undefined ? undefined : Number(line);
}

function Base({ node, etag, editable }: Props) {
  const { t } = useTranslation();
  // What the edit began with: another one's save must not pass unseen.
  const [from, setFrom] = useState({ text: node.base_config, etag });
  const [text, setText] = useState(node.base_config);
  const [effect, setEffect] = useState<Preview>();
  const [theirs, setTheirs] = useState<{ text: string; etag: string }>();
  const dirty = text !== from.text;
  useEffect(() => {
    if (!dirty) {
      setFrom({ text: node.base_config, etag });
      setText(node.base_config);
    }
  }, [dirty, node.base_config, etag]);
  useUnsaved(dirty, 'settings.leave');
  const stale = async (error: Error) => {
    if (!(error instanceof StaleError)) return;
    const now = await readNode(node.uuid);
    putNode(now.value, now.etag);
    if (now.value.base_config === from.text)
      setFrom({ text: from.text, etag: now.etag }); // the tags, or so
    else setTheirs({ text: now.value.base_config, etag: now.etag });
  };
  const typed = useRef(text); // what is typed meanwhile is neither shown nor saved
  typed.current = text;
  const trying = useMutation({
    mutationFn: (text: string) => preview(node.uuid, from.etag, { base_config: text }),
    onSuccess: (got, text) => {
      if (text === typed.current) setEffect(got);
    },
    onError: stale,
  });
  const saving = useMutation({
    mutationFn: async ({ text }: { text: string; changes: boolean }) =>
      tagged(patch(node.uuid, from.etag, { base_config: text }, false)),
    onSuccess: ({ value, etag }, { text, changes }) => {
      const saved = value as Node;
      putNode(saved, etag);
      setFrom({ text: saved.base_config, etag });
      if (text === typed.current) setText(saved.base_config);
      setEffect(undefined);
      if (changes) follow(node.uuid);
      tell(t('settings.saved'));
    },
    onError: stale,
  });
  const failed = saving.error ?? trying.error;
  const error = failed instanceof StaleError ? null : failed;
  const problems =
    error instanceof ApiError ? error.fields.map((f) => ({ line: lineOf(f.message), message: f.message })) : undefined;
  const edit = (next: string) => {
    setText(next);
    setEffect(undefined);
    trying.reset();
    saving.reset();
  };
  return (
    <section className="stack">
      <div className="spread">
        <h2>{t('settings.base')}</h2>
        <span className="dim">{t('settings.baseHelp')}</span>
        {dirty && <span className="tag">{t('settings.unsaved')}</span>}
      </div>
      <Code label={t('settings.base')} text={text} onChange={editable ? edit : undefined} problems={problems} />
      {from.text === '' && <HostsOwn uuid={node.uuid} />}
      {from.text !== '' && text.trim() === '' && <p>{t('base.again')}</p>}
      {error && <Failure error={error} />}
      {effect && <PreviewOf preview={effect} />}
      {effect && (from.text === '' || text.trim() === '') && <p>{t('base.unknown')}</p>}
      {editable && (
        <div className="spread">
          {effect ? (
            <Button
              onClick={() => saving.mutate({ text, changes: (effect.nodes ?? []).length > 0 })}
              loading={saving.isPending}
            >
              {t('settings.save')}
            </Button>
          ) : (
            <Button disabled={!dirty} onClick={() => trying.mutate(text)} loading={trying.isPending}>
              {t('settings.preview')}
            </Button>
          )}
          {dirty && (
            <Button variant="default" onClick={() => edit(from.text)}>
              {t('settings.discard')}
            </Button>
          )}
        </div>
      )}
      {theirs && (
        <Conflict
          title={t('settings.stale')}
          theirs={theirs.text}
          mine={text}
          take={(merged) => {
            setFrom(theirs);
            edit(merged);
            setTheirs(undefined);
          }}
          close={() => setTheirs(undefined)}
        />
      )}
    </section>
  );
}
