import i18next from 'i18next';
import { en, zh } from '.';

/** Gives tests the texts that code takes outside of components. */
export const speak = (lng: 'en' | 'zh') =>
  i18next.init({
    lng,
    resources: { en: { translation: en }, zh: { translation: zh } },
    interpolation: { escapeValue: false },
  });
