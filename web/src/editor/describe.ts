import type { i18n, TFunction } from 'i18next';
import type { Fields, Schema, Step } from '../yaml/schema';

/** What there is to say of a field. */
export interface Described {
  name: string;
  type: string;
  is?: string; // the default
  text?: string;
  words: string[];
}

/** The namespace of what fields are for; its keys are the server's English sentences. */
const ns = 'fields';

/** Reads what fields are for in Chinese: few need it, and only here. */
export async function learnChinese(to: i18n): Promise<true> {
  const { default: texts } = await import('../locales/zh/editor/fields.json');
  to.addResourceBundle('zh', ns, texts);
  return true;
}

/** What the server says, in the language of the page where that is known. */
const said = (text: string, t: TFunction): string => t(text, { ns, keySeparator: false, nsSeparator: false });

export function describe(fields: Fields, path: Step[], t: TFunction): Described | undefined {
  const name = path.at(-1);
  const schema = fields.at(path);
  return typeof name === 'string' && schema ? describeAs(fields, name, schema, t) : undefined;
}

export function describeAs(fields: Fields, name: string, schema: Schema, t: TFunction): Described {
  const kind = fields.kind(schema);
  const is = schema.default;
  let type = t(`editor.kind.${kind}`);
  const element = kind === 'list' ? fields.element(schema) : undefined;
  if (element) type = t('editor.listOf', { kind: t(`editor.kind.${fields.kind(element)}`) });
  return {
    name,
    type,
    is: is === undefined ? undefined : typeof is === 'string' ? is : JSON.stringify(is),
    text: schema.description && said(schema.description, t),
    words: kind === 'bool' ? [] : fields.words(schema),
  };
}

/** The same as an element, for a tooltip. */
export function draw(d: Described, t: TFunction): HTMLElement {
  const box = document.createElement('div');
  box.className = 'fielddoc';
  const head = document.createElement('p');
  const name = document.createElement('b');
  name.textContent = d.name;
  const type = document.createElement('span');
  type.textContent = d.is === undefined ? d.type : `${d.type} · ${t('editor.default')} `;
  head.append(name, ' ', type);
  if (d.is !== undefined) {
    const is = document.createElement('code');
    is.textContent = d.is;
    head.append(is);
  }
  box.append(head);
  if (d.text) {
    const text = document.createElement('p');
    text.textContent = d.text;
    box.append(text);
  }
  if (d.words.length > 0) {
    const words = document.createElement('p');
    words.className = 'words';
    words.textContent = d.words.join(' · ');
    box.append(words);
  }
  return box;
}
