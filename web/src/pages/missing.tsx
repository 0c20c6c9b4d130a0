import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useTitle } from '../components/page';

export function Missing() {
  const { t } = useTranslation();
  useTitle(t('error.missing'));
  return (
    <main className="alone">
      <h1>{t('error.missing')}</h1>
      <p>{t('error.missingHelp')}</p>
      <Link to="/">{t('error.home')}</Link>
    </main>
  );
}
