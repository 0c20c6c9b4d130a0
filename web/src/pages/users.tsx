import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Tagged, tagged } from '../api/client';
import { ApiError } from '../api/problem';
import type { components } from '../api/schema';
import { Danger } from '../components/danger';
import { Failure } from '../components/failure';
import type { Column } from '../components/grid';
import { Name } from '../components/name';
import { PasswordField } from '../components/passwordfield';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { tell } from '../components/tell';
import { Ago } from '../components/time';
import { keys, queryClient } from '../data/queries';
import { useSession } from '../data/session';
import { AdminOnly } from './records/admin-only';
import { Contacts } from './records/contacts';
import { changed, one, oneQuery } from './records/data';
import { Restore } from './records/deleted';
import type { Field, Values } from './records/fields';
import { EditForm, NewForm } from './records/form';
import { RecordList } from './records/list';
import { Past } from './records/past';
import { useRecordSearch } from './records/search';
import { Unread } from './records/unread';
import { UserTokens, userTokensQuery } from './records/user-tokens';
import '../styles/records.css';

type User = components['schemas']['User'];
type Role = User['role'];

const kind = 'users';

const read = (id: number, signal?: AbortSignal) =>
  tagged(api.GET('/api/v1/users/{id}', { params: { path: { id } }, signal }));

const valuesOf = (user: User): Values => ({ name: user.name, role: user.role, disabled: user.disabled });
const edited = ({ value, etag }: Tagged<User>): Tagged<Values> => ({ value: valuesOf(value), etag });

function useFields(fresh: boolean): Field[] {
  const { t } = useTranslation();
  const roles: Role[] = ['viewer', 'editor', 'admin'];
  const fields: Field[] = [
    { key: 'name', label: t('users.name'), required: true },
    {
      key: 'role',
      label: t('users.role'),
      help: t('users.roleHelp'),
      options: roles.map((value) => ({ value, label: t(`role.${value}`) })),
    },
  ];
  if (!fresh)
    fields.push({ key: 'disabled', label: t('users.disabled'), help: t('users.disabledHelp'), kind: 'switch' });
  return fields;
}

/** Users who log in, for admins. */
export function Users() {
  return (
    <AdminOnly kind={kind}>
      <All />
    </AdminOnly>
  );
}

function All() {
  const { t } = useTranslation();
  const { search, set } = useRecordSearch();
  const fields = useFields(true);
  const columns: Column<User>[] = [
    {
      key: 'name',
      title: t('users.name'),
      width: 'minmax(150px, 2fr)',
      sort: 'name',
      cell: (user) => <Name of={user.name} title={user.name} />,
    },
    { key: 'role', title: t('users.role'), width: '110px', cell: (user) => t(`role.${user.role}`) },
    {
      key: 'login',
      title: t('users.login'),
      width: '140px',
      cell: (user) => <MayLogIn user={user} />,
    },
    {
      key: 'changed',
      title: t('record.changed'),
      width: '120px',
      sort: 'updated_at',
      cell: (user) => <Ago at={user.deleted_at ?? user.updated_at} />,
    },
  ];
  return (
    <RecordList
      kind={kind}
      noun="user"
      path="/users"
      sort="name"
      columns={columns}
      read={(query, signal) => ok(api.GET('/api/v1/users', { params: { query }, signal }))}
      mayCreate
      name={(user) => <Name of={user.name} />}
      open={(id, user, close) =>
        search.deleted ? user && <Deleted user={user} close={close} /> : <Open id={id} close={close} />
      }
      many={{
        remove: (id) => ok(api.DELETE('/api/v1/users/{id}', { params: { path: { id } } })),
        restore: (id) => ok(api.POST('/api/v1/users/{id}/restore', { params: { path: { id } } })),
        done: () => changed(kind),
      }}
      create={(close) => (
        <NewForm
          fields={fields}
          initial={{ name: '', role: 'viewer' }}
          action={t('record.create')}
          cancel={close}
          create={(values) =>
            ok(
              api.POST('/api/v1/users', { body: { name: String(values.name), role: values.role as Role } }),
            ) as Promise<User>
          }
          created={(user) => {
            tell(t('users.created'));
            changed(kind);
            set({ new: undefined, id: user.id });
          }}
        >
          <p className="dim">{t('users.newHelp')}</p>
        </NewForm>
      )}
    />
  );
}

function MayLogIn({ user }: { user: User }) {
  const { t } = useTranslation();
  if (user.disabled) return <b className="downs">{t('users.isDisabled')}</b>;
  return user.has_password ? t('users.may') : <span className="dim">{t('users.noPassword')}</span>;
}

function Open({ id, close }: { id: number; close: () => void }) {
  const { t } = useTranslation();
  const fields = useFields(false);
  const session = useSession().data;
  const [deleting, setDeleting] = useState(false);
  const record = useQuery(oneQuery(kind, id, (signal) => read(id, signal)));
  const tokens = useQuery(userTokensQuery(id));
  const saved = useMemo(() => record.data && edited(record.data), [record.data]);
  if (record.error) return <Unread error={record.error} close={close} />;
  if (!record.data || !saved) return null;
  const { value: user, etag } = record.data;
  const self = session?.user === id;
  return (
    <>
      <EditForm
        fields={fields}
        saved={saved}
        save={async (values, match) => {
          const now = (await tagged(
            api.PATCH('/api/v1/users/{id}', {
              params: { path: { id }, header: { 'If-Match': match } },
              body: values,
              headers: { 'Content-Type': 'application/merge-patch+json' },
            }),
          )) as Tagged<User>;
          queryClient.setQueryData(one(kind, id), now);
          changed(kind);
          if (self) void queryClient.invalidateQueries({ queryKey: keys.session });
          return edited(now);
        }}
        reread={async () => {
          const now = await read(id);
          queryClient.setQueryData(one(kind, id), now);
          return edited(now);
        }}
      />
      <section>
        <h3>{t('users.password')}</h3>
        {self ? <Link to="/account">{t('users.own')}</Link> : <Password id={id} />}
      </section>
      <Contacts user={id} editable />
      <UserTokens user={id} role={user.role} editable />
      <Past object={`user/${id}`} />
      <Button className="start" variant="default" color="red" onClick={() => setDeleting(true)}>
        {t('record.delete')}
      </Button>
      <Same cli={promfleet('user', 'get', id)} api={curl('GET', `/users/${id}`)} />
      {deleting && (
        <Danger
          close={() => setDeleting(false)}
          title={t('users.deleteTitle', { name: user.name })}
          name={user.name}
          action={t('record.deleteNow')}
          run={() => ok(api.DELETE('/api/v1/users/{id}', { params: { path: { id }, header: { 'If-Match': etag } } }))}
          done={() => {
            tell(t('record.gone'));
            close();
            changed(kind);
          }}
        >
          <p>{t('users.deleteHelp', { count: tokens.data?.length ?? 0 })}</p>
          {self && <p className="error">{t('users.deleteSelf')}</p>}
        </Danger>
      )}
    </>
  );
}

/** Gives another user a password, who has perhaps lost theirs. */
function Password({ id }: { id: number }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const setting = useMutation({
    mutationFn: () => ok(api.PUT('/api/v1/users/{id}/password', { params: { path: { id } }, body: { password } })),
    onSuccess: () => {
      setPassword('');
      tell(t('users.passwordSet'));
      void queryClient.invalidateQueries({ queryKey: one(kind, id) }); // another version, with another ETag
      void queryClient.invalidateQueries({ queryKey: userTokensQuery(id).queryKey });
      changed(kind);
    },
  });
  const error = setting.error instanceof ApiError ? setting.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setting.mutate();
  };
  return (
    <form onSubmit={submit} className="stack">
      <PasswordField
        label={t('account.new')}
        description={t('users.passwordHelp')}
        value={password}
        onChange={(e) => {
          setPassword(e.currentTarget.value);
          setting.reset();
        }}
        autoComplete="new-password"
        error={error?.at('body.password')}
        required
        withAsterisk={false}
      />
      {setting.error && <Failure error={setting.error} told={['body.password']} />}
      <Button type="submit" variant="default" className="start" loading={setting.isPending}>
        {t('users.setPassword')}
      </Button>
    </form>
  );
}

function Deleted({ user, close }: { user: User; close: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <dl className="facts">
        <dt>{t('users.role')}</dt>
        <dd>{t(`role.${user.role}`)}</dd>
        <dt>{t('record.deletedAt')}</dt>
        <dd>
          <Ago at={user.deleted_at} />
        </dd>
      </dl>
      <p className="dim">{t('users.restoreHelp')}</p>
      <Restore
        mayRestore
        restore={() => ok(api.POST('/api/v1/users/{id}/restore', { params: { path: { id: user.id } } }))}
        done={() => {
          close();
          changed(kind);
        }}
      />
      <Past object={`user/${user.id}`} />
      <Same cli={promfleet('user', 'restore', user.id)} api={curl('POST', `/users/${user.id}/restore`)} />
    </>
  );
}
