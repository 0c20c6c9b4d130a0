import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import type { components } from '../api/schema';
import { Command } from '../components/copy';
import { plainCommand, usual } from '../components/join-commands';
import { numberText } from '../components/number';
import { serverUrl } from '../page';
import { expiresAt } from './records/expiry';
import { useLives } from './records/lives';
import { TokenList } from './records/token-list';

type JoinToken = components['schemas']['JoinToken'];

/** Why a token lets nobody join any more; undefined: it does. */
function over(token: JoinToken, now: number): 'revoked' | 'used' | 'expired' | undefined {
  if (token.deleted_at) return 'revoked';
  if (token.uses >= token.max_uses) return 'used';
  return Date.parse(token.expires_at) <= now ? 'expired' : undefined;
}

/** Tokens by which nodes join. */
export function JoinTokens() {
  const { t } = useTranslation();
  const lives = useLives(false);
  return (
    <TokenList<JoinToken>
      kind="joinTokens"
      noun="join-token"
      called={(token) => token.name || t('joinTokens.unnamed', { id: token.id })}
      facts={[
        {
          key: 'uses',
          title: t('joinTokens.uses'),
          width: '120px',
          className: 'num',
          value: (token) => `${numberText(token.uses)} / ${numberText(token.max_uses)}`,
        },
        {
          key: 'serves',
          title: t('joinTokens.serves'),
          width: '110px',
          value: (token) => {
            const why = over(token, Date.now());
            return why ? <span className="dim">{t(`joinTokens.${why}`)}</span> : <b>{t('joinTokens.usable')}</b>;
          },
        },
      ]}
      wears
      read={({ over, ...query }, signal) => {
        const state = query.deleted ? undefined : over ? 'over' : 'usable';
        return ok(api.GET('/api/v1/join-tokens', { params: { query: { ...query, state } }, signal }));
      }}
      revoke={(id) => ok(api.DELETE('/api/v1/join-tokens/{id}', { params: { path: { id } } }))}
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
      how={(secret) => (
        <>
          <p>{t('joinTokens.how')}</p>
          <Command text={plainCommand({ server: serverUrl, ...usual, secret })} />
        </>
      )}
    />
  );
}
