import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { sentence } from '../api/problem';
import { useTitle } from '../components/page';
import { summaryQuery } from '../data/nodes';
import { queryClient } from '../data/queries';
import { login } from '../data/session';
import logo from '../icons/favicon.svg?url';
import { basePath } from '../page';
import { Away } from '../shell/away';
import { Preferences } from '../shell/nav';

/** Only a path of this application: an address may come from anywhere. */
export const inside = (to?: string) => (to && /^\/(?![/\\])/.test(to) ? to : '/');

/** Whether nothing has joined yet: then there is only one thing to do. */
const isEmpty = () =>
  queryClient.fetchQuery(summaryQuery).then(
    (summary) => summary.total === 0,
    () => false, // the fleet says what is wrong
  );

export function Login() {
  const { t } = useTranslation();
  useTitle(t('login.title'));
  const router = useRouter();
  const { to } = useSearch({ from: '/login' });
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const entering = useMutation({
    mutationFn: async () => {
      await login(name, password);
      return (await isEmpty()) && inside(to) === '/' ? '/start' : inside(to);
    },
    onSuccess: (where) => router.history.replace(basePath + where),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate();
  };
  return (
    <main className="alone login">
      <Away />
      <form onSubmit={submit}>
        <h1>
          <img src={logo} width={28} height={28} alt="" />
          promfleet
        </h1>
        <p className="dim">{t('login.lead')}</p>
        <TextInput
          label={t('login.name')}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          autoComplete="username"
          autoFocus
          required
          withAsterisk={false}
          spellCheck={false}
        />
        <PasswordInput
          label={t('login.password')}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          autoComplete="current-password"
          required
          withAsterisk={false}
        />
        {entering.error && (
          <p role="alert" className="error">
            {sentence(entering.error)}
          </p>
        )}
        <Button type="submit" loading={entering.isPending} fullWidth>
          {t('login.submit')}
        </Button>
        <p className="dim small">{t('login.first')}</p>
        <Preferences />
      </form>
    </main>
  );
}
