import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import type { components } from '../api/schema';
import { Danger } from '../components/danger';
import type { Column } from '../components/grid';
import { Name } from '../components/name';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { tell } from '../components/tell';
import { Ago } from '../components/time';
import { AdminOnly } from './records/admin-only';
import { changed } from './records/data';
import { expiresAt } from './records/expiry';
import { NewForm } from './records/form';
import { RecordList } from './records/list';
import { useLives } from './records/lives';
import { Past } from './records/past';
import { useRecordSearch } from './records/search';
import { Secret } from './records/secret';
import '../styles/records.css';

type Token = components['schemas']['Token'];
type Role = Token['role'];

const kind = 'tokens';
const roles: Role[] = ['viewer', 'editor', 'admin', 'sd'];

/** Tokens by which programs call the API, for admins. */
export function Tokens() {
  return (
    <AdminOnly kind={kind}>
      <All />
    </AdminOnly>
  );
}

function All() {
  const { t } = useTranslation();
  const { set } = useRecordSearch();
  const lives = useLives();
  const [secret, setSecret] = useState<string>();
  const columns: Column<Token>[] = [
    {
      key: 'name',
      title: t('tokens.name'),
      width: 'minmax(150px, 2fr)',
      sort: 'name',
      cell: (token) => <Name of={token.name} title={token.name} />,
    },
    { key: 'role', title: t('tokens.role'), width: '110px', cell: (token) => t(`role.${token.role}`) },
    {
      key: 'user',
      title: t('tokens.of'),
      width: '100px',
      cell: (token) =>
        token.user ? (
          <Link to="/users" search={{ id: token.user }} tabIndex={-1}>
            {t('tokens.user', { id: token.user })}
          </Link>
        ) : (
          <span className="dim">{t('tokens.program')}</span>
        ),
    },
    {
      key: 'created',
      title: t('record.created_at'),
      width: '110px',
      sort: 'created_at',
      cell: (token) => <Ago at={token.created_at} />,
    },
    {
      key: 'used',
      title: t('tokens.used'),
      width: '110px',
      sort: 'last_used_at',
      cell: (token) => <Ago at={token.last_used_at} />,
    },
    {
      key: 'ends',
      title: t('tokens.ends'),
      width: '110px',
      sort: 'expires_at',
      cell: (token) =>
        token.expires_at ? <Ago at={token.expires_at} /> : <span className="dim">{t('tokens.never')}</span>,
    },
  ];
  return (
    <>
      <RecordList
        kind={kind}
        noun="token"
        path="/tokens"
        sort="id"
        revoked
        columns={columns}
        read={(query, signal) => ok(api.GET('/api/v1/tokens', { params: { query }, signal }))}
        mayCreate
        name={(token) => <Name of={token.name} />}
        open={(_, token, close) =>
          token ? <Open token={token} close={close} /> : <p className="dim">{t('record.notRead')}</p>
        }
        many={{
          remove: (id) => ok(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })),
          done: () => changed(kind),
        }}
        create={(close) => (
          <NewForm
            fields={[
              { key: 'name', label: t('tokens.name'), help: t('tokens.nameHelp'), required: true },
              {
                key: 'role',
                label: t('tokens.role'),
                help: t('tokens.roleHelp'),
                options: roles.map((value) => ({ value, label: t(`role.${value}`) })),
              },
              { key: 'life', label: t('tokens.life'), options: lives },
            ]}
            initial={{ name: '', role: 'viewer', life: 'quarter' }}
            action={t('record.create')}
            cancel={close}
            create={(values) =>
              ok(
                api.POST('/api/v1/tokens', {
                  body: {
                    name: String(values.name),
                    role: values.role as Role,
                    expires_at: expiresAt(String(values.life), Date.now()),
                  },
                }),
              )
            }
            created={(token) => {
              setSecret(token.secret);
              changed(kind);
              set({ new: undefined, id: token.id });
            }}
          />
        )}
      >
        <p className="dim lead">{t('tokens.lead')}</p>
      </RecordList>
      {secret && <Secret title={t('tokens.secret')} secret={secret} close={() => setSecret(undefined)} />}
    </>
  );
}

function Open({ token, close }: { token: Token; close: () => void }) {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useState(false);
  return (
    <>
      <dl className="facts">
        <dt>{t('tokens.role')}</dt>
        <dd>{t(`role.${token.role}`)}</dd>
        <dt>{t('tokens.of')}</dt>
        <dd>
          {token.user ? (
            <Link to="/users" search={{ id: token.user }}>
              {t('tokens.user', { id: token.user })}
            </Link>
          ) : (
            t('tokens.program')
          )}
        </dd>
        <dt>{t('record.created_at')}</dt>
        <dd>
          <Ago at={token.created_at} />
        </dd>
        <dt>{t('tokens.used')}</dt>
        <dd>
          <Ago at={token.last_used_at} />
        </dd>
        <dt>{t('tokens.ends')}</dt>
        <dd>{token.expires_at ? <Ago at={token.expires_at} /> : t('life.never')}</dd>
        {token.deleted_at && (
          <>
            <dt>{t('record.revoked')}</dt>
            <dd>
              <Ago at={token.deleted_at} />
            </dd>
          </>
        )}
      </dl>
      <Past object={`token/${token.id}`} />
      {token.deleted_at ? (
        <p className="dim">{t('record.stays')}</p>
      ) : (
        <Button className="start" variant="default" color="red" onClick={() => setRevoking(true)}>
          {t('record.revoke')}
        </Button>
      )}
      <Same cli={promfleet('token', 'delete', token.id)} api={curl('DELETE', `/tokens/${token.id}`)} />
      {revoking && (
        <Danger
          close={() => setRevoking(false)}
          title={t('tokens.revokeTitle', { name: token.name })}
          name={token.name}
          action={t('record.revokeNow')}
          run={() => ok(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id: token.id } } }))}
          done={() => {
            tell(t('tokens.revoked'));
            close();
            changed(kind);
          }}
        >
          <p>{t('tokens.revokeHelp')}</p>
          {token.role === 'sd' && <p className="error">{t('tokens.revokeSD')}</p>}
        </Danger>
      )}
    </>
  );
}
