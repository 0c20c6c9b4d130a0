import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import type { components } from '../api/schema';
import { expiresAt } from './records/expiry';
import { useLives } from './records/lives';
import { TokenList } from './records/token-list';

type Token = components['schemas']['Token'];
type Role = Token['role'];

const roles: Role[] = ['viewer', 'editor', 'admin', 'sd'];

/** Tokens by which programs call the API. */
export function Tokens() {
  const { t } = useTranslation();
  const lives = useLives();
  return (
    <TokenList<Token>
      kind="tokens"
      noun="token"
      called={(token) => token.name}
      facts={[
        { key: 'role', title: t('tokens.role'), width: '110px', value: (token) => t(`role.${token.role}`) },
        {
          key: 'user',
          title: t('tokens.of'),
          width: '100px',
          value: (token, listed) =>
            token.user ? (
              <Link to="/users" search={{ id: token.user }} tabIndex={listed ? -1 : undefined}>
                {t('tokens.user', { id: token.user })}
              </Link>
            ) : (
              <span className="dim">{t('tokens.program')}</span>
            ),
        },
      ]}
      read={(query, signal) => ok(api.GET('/api/v1/tokens', { params: { query }, signal }))}
      revoke={(id) => ok(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }))}
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
      warning={(token) => token.role === 'sd' && <p className="error">{t('tokens.revokeSD')}</p>}
    />
  );
}
