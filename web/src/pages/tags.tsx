import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Preview, type Tag, type Tagged, tagged } from '../api/client';
import { Danger } from '../components/danger';
import type { Column } from '../components/grid';
import { Name } from '../components/name';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { tell } from '../components/tell';
import { Ago } from '../components/time';
import { followEffect } from '../data/following';
import { keys, queryClient } from '../data/queries';
import { mayEdit, useSession } from '../data/session';
import { changed, one, oneQuery } from './records/data';
import { Restore } from './records/deleted';
import type { Field, Values } from './records/fields';
import { EditForm, NewForm } from './records/form';
import { RecordList } from './records/list';
import { Past } from './records/past';
import { useRecordSearch } from './records/search';
import { Unread } from './records/unread';
import '../styles/records.css';

const kind = 'tags';

const read = (id: number, signal?: AbortSignal) =>
  tagged(api.GET('/api/v1/tags/{id}', { params: { path: { id } }, signal }));

const patch = (id: number, body: Values, etag: string, dry: boolean) =>
  tagged(
    api.PATCH('/api/v1/tags/{id}', {
      params: { path: { id }, query: { dry_run: dry }, header: { 'If-Match': etag } },
      body,
      headers: { 'Content-Type': 'application/merge-patch+json' },
    }),
  );

const valuesOf = (tag: Tag): Values => ({ name: tag.name, remark: tag.remark });
const edited = ({ value, etag }: Tagged<Tag>): Tagged<Values> => ({ value: valuesOf(value), etag });

function useFields(): Field[] {
  const { t } = useTranslation();
  return [
    { key: 'name', label: t('tags.name'), help: t('tags.nameHelp'), required: true },
    { key: 'remark', label: t('record.remark'), kind: 'area' },
  ];
}

/** A tag has changed, and with it whatever has it: how far that is on the nodes is followed. */
function tagsChanged(effect?: Preview) {
  changed(kind);
  void followEffect(effect);
  void queryClient.invalidateQueries({ queryKey: keys.tags });
  void queryClient.invalidateQueries({ queryKey: ['nodes'] });
  void queryClient.invalidateQueries({ queryKey: ['node'] });
}

/** The tags that nodes and targets have. */
export function Tags() {
  const { t } = useTranslation();
  const session = useSession().data;
  const { search, set } = useRecordSearch();
  const fields = useFields();
  const editable = mayEdit(session);
  const columns: Column<Tag>[] = [
    {
      key: 'name',
      title: t('tags.name'),
      width: 'minmax(160px, 1fr)',
      sort: 'name',
      cell: (tag) => <Name of={tag.name} />,
    },
    {
      key: 'remark',
      title: t('record.remark'),
      width: 'minmax(120px, 2fr)',
      cell: (tag) => <Name of={tag.remark} title={tag.remark} />,
    },
    {
      key: 'changed',
      title: t('record.changed'),
      width: '110px',
      sort: 'updated_at',
      cell: (tag) => <Ago at={tag.deleted_at ?? tag.updated_at} />,
    },
  ];
  return (
    <RecordList
      kind={kind}
      noun="tag"
      path="/tags"
      sort="name"
      columns={columns}
      read={(query, signal) => ok(api.GET('/api/v1/tags', { params: { query }, signal }))}
      mayCreate={editable}
      name={(tag) => <Name of={tag.name} />}
      open={(id, tag, close) =>
        search.deleted ? (
          tag && <Deleted tag={tag} editable={editable} close={close} />
        ) : (
          <Open id={id} editable={editable} close={close} />
        )
      }
      many={
        editable
          ? {
              remove: (id) => remove(id, false),
              restore: (id) => restore(id, false),
              look: (id, restores) => (restores ? restore(id, true) : remove(id, true)) as Promise<Preview>,
              done: tagsChanged,
            }
          : undefined
      }
      create={(close) => (
        <NewForm
          fields={fields}
          initial={{ name: '', remark: '' }}
          action={t('record.create')}
          cancel={close}
          create={(values) =>
            ok(
              api.POST('/api/v1/tags', { body: { name: String(values.name), remark: String(values.remark) } }),
            ) as Promise<Tag>
          }
          created={(tag) => {
            tell(t('record.created'));
            tagsChanged();
            set({ new: undefined, id: tag.id });
          }}
        />
      )}
    >
      {session && !editable && <p className="dim">{t('record.readOnly', { role: t(`role.${session.role}`) })}</p>}
    </RecordList>
  );
}

/** How many nodes and targets have a tag, and the way to them. */
function Use({ name }: { name: string }) {
  const { t } = useTranslation();
  const query = { tag: [name], limit: 1 };
  const nodes = useQuery({
    queryKey: ['nodes', 'with', name],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/nodes', { params: { query }, signal })).then((p) => p.total),
  });
  const targets = useQuery({
    queryKey: ['targets', 'with', name],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/targets', { params: { query }, signal })).then((p) => p.total),
  });
  return (
    <p className="spread use">
      <Link to="/" search={{ tag: [name] }}>
        {nodes.data === undefined ? '…' : t('tags.nodes', { count: nodes.data })}
      </Link>
      <Link to="/targets" search={{ tag: [name] }}>
        {targets.data === undefined ? '…' : t('tags.targets', { count: targets.data })}
      </Link>
    </p>
  );
}

function Open({ id, editable, close }: { id: number; editable: boolean; close: () => void }) {
  const { t } = useTranslation();
  const fields = useFields();
  const [deleting, setDeleting] = useState(false);
  const record = useQuery(oneQuery(kind, id, (signal) => read(id, signal)));
  const saved = useMemo(() => record.data && edited(record.data), [record.data]);
  if (record.error) return <Unread error={record.error} close={close} />;
  if (!record.data || !saved) return null;
  const { value: tag, etag } = record.data;
  return (
    <>
      <Use name={tag.name} />
      <EditForm
        fields={fields}
        saved={saved}
        disabled={!editable}
        effects={['name']}
        preview={async (values, match) => (await patch(id, values, match, true)).value as Preview}
        save={async (values, match) => {
          const now = (await patch(id, values, match, false)) as Tagged<Tag>;
          queryClient.setQueryData(one(kind, id), now);
          tagsChanged();
          return edited(now);
        }}
        done={(effect) => void followEffect(effect)}
        reread={async () => {
          const now = await read(id);
          queryClient.setQueryData(one(kind, id), now);
          return edited(now);
        }}
      />
      <Past object={`tag/${id}`} />
      {editable && (
        <Button className="start" variant="default" color="red" onClick={() => setDeleting(true)}>
          {t('record.delete')}
        </Button>
      )}
      <Same
        cli={promfleet(
          'tag',
          editable ? 'update' : 'get',
          id,
          ...(editable ? [`--name=${tag.name}`, `--remark=${tag.remark}`] : []),
        )}
        api={editable ? curl('PATCH', `/tags/${id}`, { body: valuesOf(tag), etag }) : curl('GET', `/tags/${id}`)}
      />
      {deleting && (
        <Danger
          close={() => setDeleting(false)}
          title={t('tags.deleteTitle', { name: tag.name })}
          name={tag.name}
          action={t('record.deleteNow')}
          preview={() => remove(id, true, etag) as Promise<Preview>}
          run={() => remove(id, false, etag)}
          done={(seen) => {
            tell(t('record.gone'));
            close();
            tagsChanged(seen);
          }}
        >
          <p>{t('tags.deleteHelp')}</p>
          <Use name={tag.name} />
        </Danger>
      )}
    </>
  );
}

const remove = (id: number, dry: boolean, etag?: string) =>
  ok(
    api.DELETE('/api/v1/tags/{id}', {
      params: { path: { id }, query: { dry_run: dry }, header: etag === undefined ? {} : { 'If-Match': etag } },
    }),
  );

const restore = (id: number, dry: boolean) =>
  ok(api.POST('/api/v1/tags/{id}/restore', { params: { path: { id }, query: { dry_run: dry } } }));

function Deleted({ tag, editable, close }: { tag: Tag; editable: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <dl className="facts">
        <dt>{t('record.remark')}</dt>
        <dd>
          <Name of={tag.remark || '–'} className="pre" />
        </dd>
        <dt>{t('record.deletedAt')}</dt>
        <dd>
          <Ago at={tag.deleted_at} />
        </dd>
      </dl>
      <p className="dim">{t('tags.restoreHelp')}</p>
      <Restore
        mayRestore={editable}
        preview={() => restore(tag.id, true) as Promise<Preview>}
        restore={() => restore(tag.id, false)}
        done={(effect) => {
          close();
          tagsChanged(effect);
        }}
      />
      <Past object={`tag/${tag.id}`} />
      <Same cli={promfleet('tag', 'restore', tag.id)} api={curl('POST', `/tags/${tag.id}/restore`)} />
    </>
  );
}
