import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import type { components } from '../api/schema';
import { Command } from '../components/copy';
import { Danger } from '../components/danger';
import type { Column } from '../components/grid';
import { plainCommand, usual } from '../components/join-commands';
import { Name } from '../components/name';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { tell } from '../components/tell';
import { Ago } from '../components/time';
import { serverUrl } from '../page';
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

type JoinToken = components['schemas']['JoinToken'];

const kind = 'joinTokens';

/** Why a token lets nobody join any more; undefined: it does. */
function over(token: JoinToken, now: number): 'revoked' | 'used' | 'expired' | undefined {
  if (token.deleted_at) return 'revoked';
  if (token.uses >= token.max_uses) return 'used';
  return Date.parse(token.expires_at) <= now ? 'expired' : undefined;
}

/** Tokens by which nodes join, for admins. */
export function JoinTokens() {
  return (
    <AdminOnly kind={kind}>
      <All />
    </AdminOnly>
  );
}

function All() {
  const { t } = useTranslation();
  const { set } = useRecordSearch();
  const lives = useLives(false);
  const [secret, setSecret] = useState<string>();
  const columns: Column<JoinToken>[] = [
    {
      key: 'name',
      title: t('joinTokens.name'),
      width: 'minmax(150px, 2fr)',
      sort: 'name',
      cell: (token) =>
        token.name ? (
          <Name of={token.name} title={token.name} />
        ) : (
          <span className="dim">{t('joinTokens.unnamed', { id: token.id })}</span>
        ),
    },
    {
      key: 'uses',
      title: t('joinTokens.uses'),
      width: '120px',
      className: 'num',
      cell: (token) => `${token.uses.toLocaleString()} / ${token.max_uses.toLocaleString()}`,
    },
    { key: 'serves', title: t('joinTokens.serves'), width: '110px', cell: (token) => <Serves token={token} /> },
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
      cell: (token) => <Ago at={token.expires_at} />,
    },
  ];
  return (
    <>
      <RecordList
        kind={kind}
        noun="join-token"
        path="/join-tokens"
        sort="id"
        revoked
        columns={columns}
        read={(query, signal) => ok(api.GET('/api/v1/join-tokens', { params: { query }, signal }))}
        mayCreate
        name={(token) => (token.name ? <Name of={token.name} /> : t('joinTokens.unnamed', { id: token.id }))}
        open={(_, token, close) =>
          token ? <Open token={token} close={close} /> : <p className="dim">{t('record.notRead')}</p>
        }
        many={{
          remove: (id) => ok(api.DELETE('/api/v1/join-tokens/{id}', { params: { path: { id } } })),
          done: () => changed(kind),
        }}
        create={(close) => (
          <NewForm
            fields={[
              { key: 'name', label: t('joinTokens.name'), help: t('joinTokens.nameHelp') },
              {
                key: 'max_uses',
                label: t('joinTokens.max'),
                help: t('joinTokens.maxHelp'),
                kind: 'number',
                max: 100_000,
                required: true,
              },
              { key: 'life', label: t('tokens.life'), options: lives },
            ]}
            initial={{ name: '', max_uses: 1, life: 'hour' }}
            action={t('record.create')}
            cancel={close}
            create={(values) =>
              ok(
                api.POST('/api/v1/join-tokens', {
                  body: {
                    name: String(values.name),
                    max_uses: Number(values.max_uses),
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
        <p className="dim lead">{t('joinTokens.lead')}</p>
      </RecordList>
      {secret && (
        <Secret title={t('joinTokens.secret')} secret={secret} close={() => setSecret(undefined)}>
          <p>{t('joinTokens.how')}</p>
          <Command text={plainCommand({ server: serverUrl, ...usual, secret })} />
        </Secret>
      )}
    </>
  );
}

function Serves({ token }: { token: JoinToken }) {
  const { t } = useTranslation();
  const why = over(token, Date.now());
  return why ? <span className="dim">{t(`joinTokens.${why}`)}</span> : <b>{t('joinTokens.usable')}</b>;
}

function Open({ token, close }: { token: JoinToken; close: () => void }) {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useState(false);
  const name = token.name || t('joinTokens.unnamed', { id: token.id });
  return (
    <>
      <dl className="facts">
        <dt>{t('joinTokens.serves')}</dt>
        <dd>
          <Serves token={token} />
        </dd>
        <dt>{t('joinTokens.uses')}</dt>
        <dd>
          {token.uses.toLocaleString()} / {token.max_uses.toLocaleString()}
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
        <dd>
          <Ago at={token.expires_at} />
        </dd>
      </dl>
      <Past object={`join-token/${token.id}`} />
      {token.deleted_at ? (
        <p className="dim">{t('record.stays')}</p>
      ) : (
        <Button className="start" variant="default" color="red" onClick={() => setRevoking(true)}>
          {t('record.revoke')}
        </Button>
      )}
      <Same cli={promfleet('join-token', 'delete', token.id)} api={curl('DELETE', `/join-tokens/${token.id}`)} />
      {revoking && (
        <Danger
          close={() => setRevoking(false)}
          title={t('joinTokens.revokeTitle', { name })}
          name={token.name || undefined}
          action={t('record.revokeNow')}
          run={() => ok(api.DELETE('/api/v1/join-tokens/{id}', { params: { path: { id: token.id } } }))}
          done={() => {
            tell(t('tokens.revoked'));
            close();
            changed(kind);
          }}
        >
          <p>{t('joinTokens.revokeHelp')}</p>
        </Danger>
      )}
    </>
  );
}
