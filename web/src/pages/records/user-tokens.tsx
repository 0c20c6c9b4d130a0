import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../../api/client';
import type { components } from '../../api/schema';
import { Danger } from '../../components/danger';
import { Failure } from '../../components/failure';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { Ago } from '../../components/time';
import { queryClient } from '../../data/queries';
import { expiresAt } from './expiry';
import type { Field } from './fields';
import { NewForm } from './form';
import { useLives } from './lives';
import { Secret } from './secret';

type Token = components['schemas']['Token'];
type Role = 'viewer' | 'editor' | 'admin';

export const userTokens = (user: number) => ['records', 'users', 'tokens', user];

export const userTokensQuery = (user: number) => ({
  queryKey: userTokens(user),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    ok(api.GET('/api/v1/users/{id}/tokens', { params: { path: { id: user } }, signal })).then((l) => l ?? []),
});

const ranks: Role[] = ['viewer', 'editor', 'admin'];

interface Props {
  user: number;
  role: string; // of the user: a token has none above it
  editable: boolean;
}

/** The tokens by which programs act as a user. */
export function UserTokens({ user, role, editable }: Props) {
  const { t } = useTranslation();
  const lives = useLives();
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const [revoking, setRevoking] = useState<Token>();
  const list = useQuery(userTokensQuery(user));
  const again = () => {
    void queryClient.invalidateQueries({ queryKey: userTokens(user) });
    void queryClient.invalidateQueries({ queryKey: ['records', 'tokens'] });
    void queryClient.invalidateQueries({ queryKey: ['events'] });
  };
  const fields: Field[] = [
    { key: 'name', label: t('tokens.name'), help: t('tokens.nameHelp'), required: true },
    {
      key: 'role',
      label: t('tokens.role'),
      options: ranks.slice(0, ranks.indexOf(role as Role) + 1).map((value) => ({ value, label: t(`role.${value}`) })),
    },
    { key: 'life', label: t('tokens.life'), options: lives },
  ];
  return (
    <section>
      <h3>{t('userTokens.title')}</h3>
      <Failure error={list.error} />
      {list.data?.length === 0 && <p className="dim">{t('userTokens.none')}</p>}
      <ul className="mini">
        {list.data?.map((token) => (
          <li key={token.id}>
            <span className="wrap">
              <Name of={token.name} /> <span className="tag">{t(`role.${token.role}`)}</span>
              <br />
              <span className="dim small">
                {t('tokens.used')} <Ago at={token.last_used_at} />
                {token.expires_at && (
                  <>
                    {' · '}
                    {t('tokens.ends')} <Ago at={token.expires_at} />
                  </>
                )}
              </span>
            </span>
            {editable && (
              <Button size="compact-xs" variant="default" onClick={() => setRevoking(token)}>
                {t('record.revoke')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {making ? (
        <div className="inset">
          <NewForm
            fields={fields}
            initial={{ name: '', role, life: 'quarter' }}
            action={t('record.create')}
            cancel={() => setMaking(false)}
            create={(values) =>
              ok(
                api.POST('/api/v1/users/{id}/tokens', {
                  params: { path: { id: user } },
                  body: {
                    name: String(values.name),
                    role: values.role as Role,
                    expires_at: expiresAt(String(values.life), Date.now()),
                  },
                }),
              )
            }
            created={(token) => {
              setMaking(false);
              setSecret(token.secret);
              again();
            }}
          />
        </div>
      ) : (
        editable && (
          <Button size="compact-sm" variant="default" onClick={() => setMaking(true)}>
            {t('userTokens.new')}
          </Button>
        )
      )}
      <Same cli={promfleet('user', 'token', 'list', user)} api={curl('GET', `/users/${user}/tokens`)} />
      {secret && <Secret title={t('tokens.secret')} secret={secret} close={() => setSecret(undefined)} />}
      {revoking && (
        <Danger
          close={() => setRevoking(undefined)}
          title={t('tokens.revokeTitle', { name: revoking.name })}
          name={revoking.name}
          action={t('record.revokeNow')}
          run={() =>
            ok(api.DELETE('/api/v1/users/{id}/tokens/{token}', { params: { path: { id: user, token: revoking.id } } }))
          }
          done={() => {
            tell(t('tokens.revoked'));
            again();
          }}
        >
          <p>{t('tokens.revokeHelp')}</p>
        </Danger>
      )}
    </section>
  );
}
