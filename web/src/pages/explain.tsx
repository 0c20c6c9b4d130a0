import { Button, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Explanation } from '../components/explain/explanation';
import { Head, useTitle } from '../components/page';

/** Why an address is, or is not, scraped, wherever it may be. */
export function Explain() {
  const { t } = useTranslation();
  const { addr, node, job } = useSearch({ from: '/shell/explain' });
  const navigate = useNavigate({ from: '/explain' });
  const [typed, setTyped] = useState(addr ?? '');
  useEffect(() => setTyped(addr ?? ''), [addr]); // another address of the page, as by Back
  useTitle(addr, t('explain.page'));
  const ask = (wanted: string) => void navigate({ search: { addr: wanted, node, job } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== '') ask(typed.trim());
  };
  return (
    <div className="explain-page">
      <Head title={t('explain.page')} />
      <form className="filters" onSubmit={submit}>
        <TextInput
          className="search"
          type="search"
          aria-label={t('explain.addr')}
          placeholder="10.0.0.1:9100"
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          autoFocus={!addr}
          spellCheck={false}
        />
        <Button type="submit">{t('explain.ask')}</Button>
        {(node || job) && (
          <button type="button" className="link" onClick={() => void navigate({ search: { addr } })}>
            {t('explain.everywhere')}
          </button>
        )}
      </form>
      {addr ? (
        <Explanation key={`${addr} ${node} ${job}`} question={{ addr, node, job }} ask={ask} />
      ) : (
        <p className="dim">{t('explain.pageHelp')}</p>
      )}
    </div>
  );
}
