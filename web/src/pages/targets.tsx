import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { Head, useTitle } from '../components/page';
import type { TargetSearch } from '../router';
import { TargetsView } from './targets/view';

/** The targets of all jobs on all nodes. */
export function Targets() {
  const { t } = useTranslation();
  useTitle(t('targets.title'));
  const search = useSearch({ from: '/shell/targets' });
  const navigate = useNavigate({ from: '/targets' });
  const set = useCallback(
    (change: Partial<TargetSearch>, replace = false) =>
      // Whoever changes it on the page was asked there, if that leaves an edit.
      void navigate({ search: (old: TargetSearch) => ({ ...old, ...change }), replace, ignoreBlocker: true }),
    [navigate],
  );
  return (
    <>
      <Head title={t('targets.title')} />
      <TargetsView search={search} set={set} />
    </>
  );
}
