import i18next from 'i18next';
import { expect, test } from 'vitest';
import { speak } from '../locales/testing';
import texts from '../locales/zh/editor/fields.json';
import { Fields } from '../yaml/schema';
import { describe, learnChinese } from './describe';

const fields = Fields.ofScrapeConfig({
  $defs: {
    text: { type: ['string', 'number', 'boolean', 'null'] },
    scrape_config: {
      type: 'object',
      properties: {
        metrics_path: {
          $ref: '#/$defs/text',
          default: '/metrics',
          description: 'The path of the URL that is scraped.',
        },
        newer: { $ref: '#/$defs/text', description: 'Of a newer server: <secret>, {{all}} of it.' },
        bare: { $ref: '#/$defs/text' },
      },
    },
  },
});
const said = (name: string) => describe(fields, [name], i18next.t);

test('a field is described in English as the server does', async () => {
  await speak('en');
  await learnChinese(i18next);
  expect(said('metrics_path')).toEqual({
    name: 'metrics_path',
    type: 'text',
    is: '/metrics',
    text: 'The path of the URL that is scraped.',
    words: [],
  });
});

test('a field is described in Chinese, and what is not known of in English', async () => {
  await speak('zh');
  expect(said('metrics_path')).toMatchObject({ type: '文本', text: 'The path of the URL that is scraped.' });
  await learnChinese(i18next);
  expect(said('metrics_path')).toMatchObject({ type: '文本', is: '/metrics', text: '抓取 URL 的路径。' });
  expect(said('newer')?.text).toBe('Of a newer server: <secret>, {{all}} of it.');
  expect(said('bare')?.text).toBeUndefined();
});

test('each Chinese text is found by its English one, whatever that has in it', async () => {
  await speak('zh');
  await learnChinese(i18next);
  for (const [english, chinese] of Object.entries(texts)) {
    const one = new Fields({ properties: { one: { description: english } } }, {});
    expect(describe(one, ['one'], i18next.t)?.text).toBe(chinese);
  }
});
