import i18next from 'i18next';

/** A number as the language of the pages writes it, whatever that of the browser is. */
export const numberText = (n: number) => n.toLocaleString(i18next.language);
