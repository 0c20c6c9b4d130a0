import { expect, test } from 'vitest';
import { en, zh } from '.';
import fields from './zh/editor/fields.json';

function texts(tree: object, prefix = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') all.set(prefix + key, value);
    else for (const [k, v] of texts(value, `${prefix}${key}.`)) all.set(k, v);
  }
  return all;
}

const english = texts(en);
const chinese = texts(zh);
const places = (text: string) => [...text.matchAll(/{{(\w+)(?:, \w+)?}}/g)].map((m) => m[1]).sort();

test('both languages have the same texts', () => {
  const plural = /_(one|other)$/;
  const keys = (m: Map<string, string>) => [...new Set([...m.keys()].map((k) => k.replace(plural, '')))].sort();
  expect(keys(chinese)).toEqual(keys(english));
});

test('no text is empty, and each has the same places', () => {
  for (const [key, text] of english) {
    expect(text, key).not.toBe('');
    const other = chinese.get(key) ?? chinese.get(key.replace(/_one$/, '_other'));
    expect(other, key).toBeTruthy();
    expect(places(other ?? ''), key).toEqual(places(text));
  }
});

test('what a field is for has the same names in both languages', () => {
  const names = (text: string) => [...new Set(text.match(/<\w+>|\$\d|\w*_\w+/g))].sort();
  for (const [text, other] of Object.entries(fields)) expect(names(other), text).toEqual(names(text));
});

/** A Chinese text without what stands in it as it is: places, and what is in angle brackets. */
const bare = (text: string) => text.replace(/{{[^}]*}}|<[^>]*>/g, '▯');

// docs/terms.zh-CN.md says which words are meant, and why.
test.each([
  ['punctuation of half width beside a Chinese character', /\p{sc=Han}[,:;?!]|\p{sc=Han} ?[()]|[,:;?!()] ?\p{sc=Han}/u],
  ['a space beside punctuation of full width', / [，。：；？！（）]|[，。：；？！（）] /u],
  ['no space between Chinese and Latin', /\p{sc=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{sc=Han}/u],
  ['agent is agent', /(?<!反向)代理(?!服务器)/],
  ['job is 作业', /任务/],
  ['key is key', /(?<!快捷|方向)键(?!盘)/],
  ['fleet file is fleet 文件', /机群文件|(?<!Kubernetes |AWS \w+ )集群/],
  ['label is label, and 标签 is a tag', /标签（(label|tag)）|重新标记/],
  ['revision is 修订版', /版本 ?▯/],
  ['secret is 机密', /密钥/],
  ['control plane is 控制面', /控制平面/],
  ['contact is 联系方式', /联系人/],
  ['reload is 重新加载', /重载/],
])('Chinese: %s', (_, refused) => {
  const all = [...chinese, ...Object.entries(fields)];
  const found = all.filter(([, text]) => refused.test(bare(text))).map(([key, text]) => `${key}: ${text}`);
  expect(found).toEqual([]);
});
