import { useRouter, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useTitle } from '../components/page';
import { summaryQuery } from '../data/nodes';
import { queryClient } from '../data/queries';
import { login } from '../data/session';
import logo from '../icons/favicon.svg?url';
import { basePath } from '../page';
import { Away } from '../shell/away';
import { LoginForm } from '../shell/login-form';
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
  const { to, ended } = useSearch({ from: '/login' });
  const enter = async (name: string, password: string) => {
    await login(name, password);
    const where = (await isEmpty()) && inside(to) === '/' ? '/start' : inside(to);
    router.history.replace(basePath + where);
  };
  return (
    <main className="alone login">
      <Away />
      <LoginForm
        enter={enter}
        after={
          <>
            <p className="dim small">{t('login.first')}</p>
            <Preferences />
          </>
        }
      >
        <h1>
          <img src={logo} width={28} height={28} alt="" />
          promfleet
        </h1>
        {ended ? <p role="status">{t('login.ended')}</p> : <p className="dim">{t('login.lead')}</p>}
      </LoginForm>
    </main>
  );
}
