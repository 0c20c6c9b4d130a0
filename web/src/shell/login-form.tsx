import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { sentence } from '../api/problem';
import { PasswordField } from '../components/passwordfield';

interface Props {
  enter: (name: string, password: string) => Promise<unknown>;
  /** Who it was, and will most likely be again. */
  known?: string;
  children: ReactNode;
  after?: ReactNode;
}

/** A name and its password. */
export function LoginForm({ enter, known = '', children, after }: Props) {
  const { t } = useTranslation();
  const [name, setName] = useState(known);
  const [password, setPassword] = useState('');
  const entering = useMutation({ mutationFn: () => enter(name, password) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate();
  };
  const begins = (here: boolean) => ({ autoFocus: here, 'data-autofocus': here || undefined });
  return (
    <form className="stack" onSubmit={submit}>
      {children}
      <TextInput
        label={t('login.name')}
        value={name}
        onChange={(e) => setName(e.currentTarget.value)}
        autoComplete="username"
        {...begins(known === '')}
        required
        withAsterisk={false}
        spellCheck={false}
      />
      <PasswordField
        label={t('login.password')}
        value={password}
        onChange={(e) => setPassword(e.currentTarget.value)}
        autoComplete="current-password"
        {...begins(known !== '')}
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
      {after}
    </form>
  );
}
