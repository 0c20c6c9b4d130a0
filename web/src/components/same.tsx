import { useTranslation } from 'react-i18next';
import { Command } from './copy';

/**
 * What the page does or shows, by the command line and by the API, to be copied.
 * Make the lines with promfleet() and curl() of shell-words: they quote.
 */
export function Same({ cli, api }: { cli?: string; api: string }) {
  const { t } = useTranslation();
  return (
    <details className="same">
      <summary>{t('same.title')}</summary>
      <dl>
        {cli && (
          <>
            <dt>{t('same.cli')}</dt>
            <dd>
              <Command text={cli} />
            </dd>
          </>
        )}
        <dt>{t('same.api')}</dt>
        <dd>
          <Command text={api} />
        </dd>
      </dl>
    </details>
  );
}
