import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { reachable, useAway } from '../data/connection';
import { basePath } from '../page';

/** Says that the server does not answer, asks until it does, and then goes without a word. */
export function Away() {
  const { t } = useTranslation();
  const away = useAway();
  useEffect(() => {
    if (!away) return;
    let stopped = false;
    const ask = async () => {
      try {
        const answer = await fetch(`${basePath}/-/healthy`, { cache: 'no-store' });
        if (answer.ok && !stopped) reachable(true);
      } catch {
        // not yet
      }
    };
    const timer = setInterval(ask, 2000);
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }, [away]);
  return (
    <div role="status" aria-live="polite">
      {away && (
        <div className="away">
          <IconPlugConnectedX size={16} aria-hidden />
          {t('error.away')}
        </div>
      )}
    </div>
  );
}
