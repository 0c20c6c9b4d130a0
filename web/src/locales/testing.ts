import i18next from 'i18next';
import { en, zh } from '.';

/** Anew each time: i18next adds to it what is learnt later. */
const texts = () => ({
  resources: { en: { translation: en }, zh: { translation: zh } },
  interpolation: { escapeValue: false },
});

/** Gives tests the texts that code takes outside of components. */
export const speak = (lng: 'en' | 'zh') => i18next.init({ lng, ...texts() });

/** The texts of one language, whatever is spoken. */
export const speaker = (lng: 'en' | 'zh') =>
  i18next.createInstance({ lng, initAsync: false, ...texts() }, () => undefined).getFixedT(lng);
