import i18next from 'i18next';
import LanguageDetector from 'i18next-browser-languagedetector';
import { initReactI18next } from 'react-i18next';
import { en, zh } from './locales';

export const languages = { en: 'English', zh: '中文' } as const;

void i18next
  .use(LanguageDetector)
  .use(initReactI18next)
  .init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    supportedLngs: Object.keys(languages),
    nonExplicitSupportedLngs: true,
    fallbackLng: 'en',
    interpolation: { escapeValue: false }, // React escapes
    detection: { order: ['localStorage', 'navigator'], lookupLocalStorage: 'promfleet-language', caches: [] },
  });

const tell = (language: string) => {
  document.documentElement.lang = language.startsWith('zh') ? 'zh-CN' : 'en';
};
tell(i18next.resolvedLanguage ?? 'en');
i18next.on('languageChanged', tell);

export function setLanguage(language: keyof typeof languages): void {
  localStorage.setItem('promfleet-language', language);
  void i18next.changeLanguage(language);
}

export default i18next;
