import { useTranslation } from 'react-i18next';
import { lives } from './expiry';

/** How long a token can be made to serve. */
export function useLives(never = true): { value: string; label: string }[] {
  const { t } = useTranslation();
  return [...Object.keys(lives), ...(never ? ['never'] : [])].map((value) => ({ value, label: t(`life.${value}`) }));
}
