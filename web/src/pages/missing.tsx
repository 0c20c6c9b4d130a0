import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Missing } from '../components/missing';
import { useTitle } from '../components/page';

/** An address that leads nowhere. */
export function NoPage() {
  const { t } = useTranslation();
  useTitle(t('error.missing'));
  return (
    <Missing title={t('error.missing')} help={t('error.missingHelp')}>
      <Link to="/">{t('error.home')}</Link>
    </Missing>
  );
}
