import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import { ApiError } from '../api/problem';
import { Failure } from '../components/failure';
import { Head, useTitle } from '../components/page';
import { PasswordField } from '../components/passwordfield';
import { Same } from '../components/same';
import { curl, promfleet } from '../components/shell-words';
import { tell } from '../components/tell';
import { login, useSession } from '../data/session';
import { Contacts } from './records/contacts';
import { UserTokens } from './records/user-tokens';
import '../styles/records.css';

export function Account() {
  const { t } = useTranslation();
  useTitle(t('nav.account'));
  const session = useSession().data;
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const id = session?.user;
  const change = useMutation({
    mutationFn: async () => {
      await ok(
        api.PUT('/api/v1/users/{id}/password', { params: { path: { id: id ?? 0 } }, body: { current, password } }),
      );
      await login(session?.name ?? '', password); // all sessions have ended, this one too
    },
    onSuccess: () => {
      tell(t('account.done'));
      setCurrent('');
      setPassword('');
      setAgain('');
    },
  });
  const error = change.error instanceof ApiError ? change.error : undefined;
  const differ = again !== '' && again !== password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!differ) change.mutate();
  };
  return (
    <div className="account">
      <Head title={t('nav.account')} />
      <p>{t('account.who', { name: session?.name, role: session && t(`role.${session.role}`) })}</p>
      {id && session ? (
        <div className="columns">
          <section>
            <h2>{t('account.password')}</h2>
            <form onSubmit={submit} className="stack">
              <PasswordField
                label={t('account.current')}
                value={current}
                onChange={(e) => setCurrent(e.currentTarget.value)}
                autoComplete="current-password"
                error={error?.at('body.current')}
                required
                withAsterisk={false}
              />
              <PasswordField
                label={t('account.new')}
                description={t('account.rule')}
                value={password}
                onChange={(e) => setPassword(e.currentTarget.value)}
                autoComplete="new-password"
                error={error?.at('body.password')}
                required
                withAsterisk={false}
              />
              <PasswordField
                label={t('account.again')}
                value={again}
                onChange={(e) => setAgain(e.currentTarget.value)}
                autoComplete="new-password"
                error={differ ? t('account.differ') : undefined}
                required
                withAsterisk={false}
              />
              {change.error && <Failure error={change.error} told={['body.current', 'body.password']} />}
              <Button type="submit" loading={change.isPending} className="start">
                {t('account.save')}
              </Button>
            </form>
            <Same
              cli={promfleet('user', 'set-password', id)}
              api={curl('PUT', `/users/${id}/password`, { body: { current: '…', password: '…' } })}
            />
          </section>
          <Contacts user={id} editable />
          <UserTokens user={id} role={session.role} editable />
        </div>
      ) : (
        <p>{t('account.token')}</p>
      )}
    </div>
  );
}
