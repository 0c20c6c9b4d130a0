import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../components/failure';
import { isMissing } from '../../components/missing';

/** The record of an address could not be read, or is not there. */
export function Unread({ error, close }: { error: unknown; close: () => void }) {
  const { t } = useTranslation();
  if (!isMissing(error)) return <Failure error={error} />;
  return (
    <>
      <p>{t('record.missing')}</p>
      <Button className="start" variant="default" onClick={close}>
        {t('record.toList')}
      </Button>
    </>
  );
}
