import { randomUUID } from 'node:crypto';
import type { Browser, Locator, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, textsOf, Visitor, world } from './browser';
import { waitFor } from './processes';

// Of every write that is seen before it is made, and followed after it, what the pages of
// jobs and of targets do not have: tags, nodes, the first target.

interface Tag {
  id: number;
  name: string;
}

let browser: Browser;

const looks: [string, string, Look & { base: string }][] = [
  ['en-light', 'tagged_en', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', 'tagged_zh', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

/** Holds the first of some calls until it is let go. */
async function hold(page: Page, url: RegExp): Promise<() => Promise<void>> {
  let held: Route | undefined;
  let first = true;
  await page.route(url, (route) => {
    if (!first) return route.continue();
    first = false;
    held = route;
  });
  return async () => {
    await waitFor('the call is made', async () => held !== undefined);
    const answered = page.waitForResponse((r) => r.request() === held?.request());
    await held?.continue();
    await (await answered).finished();
  };
}

/** Makes a node whose agent has joined, and says nothing since, or this. */
async function joined(hostname: string, report?: { state: string; error: string }): Promise<string> {
  const { secret } = await call<{ secret: string }>('POST', '/join-tokens', {});
  const uuid = randomUUID();
  const said = { protocol: 1, uuid, hostname, addr: 'http://127.0.0.1:9090/', agent_version: '0.1.0' };
  const { credential } = await call<{ credential: string }>(
    'POST',
    '/agent/register',
    { ...said, prometheus_version: '3.16.0' },
    secret,
  );
  if (report) {
    const revisions = { revision_received: 0, revision_written: 0, revision_loaded: 0 };
    await call('POST', '/agent/report', { protocol: 1, agent_version: '0.1.0', ...revisions, ...report }, credential);
  }
  return uuid;
}

/** Makes a job whose relabelling sees the tags of its targets: then a tag is in a file. */
async function tagged(node: string, key: string, targets: { addr: string; tags: string[] }[]): Promise<void> {
  const { id } = await call<{ id: number }>('POST', '/jobs', {
    node,
    key,
    scrape_config: {
      scrape_interval: '1h',
      relabel_configs: [{ source_labels: ['__meta_promfleet_tags'], target_label: 'tags' }],
    },
  });
  await call('PUT', `/jobs/${id}/targets`, targets);
}

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe.each(looks)('%s', (name, key, { base, ...look }) => {
  let v: Visitor;
  let page: Page;
  const t = textsOf(look);
  const say = (en: string, zh: string) => (look.language === 'en' ? en : zh);
  const button = (en: string, zh: string, within: Page | Locator = page) =>
    within.getByRole('button', { name: say(en, zh), exact: true });
  const dialog = () => page.getByRole('dialog');
  const row = (text: string) => page.locator('.grid .row', { hasText: text });
  const followed = () => page.locator('.followed .strip li:last-child[data-mark="done"]').waitFor();
  const tagOf = async (name: string) =>
    (await call<{ items: Tag[] }>('GET', `/tags?q=${encodeURIComponent(name)}`)).items.find((t) => t.name === name);

  beforeAll(async () => {
    await tagged(world.node, key, [
      { addr: '127.0.0.1:1', tags: [`${key}-a`, `${key}-b`] },
      { addr: '127.0.0.1:2', tags: [`${key}-b`, `${key}-c`] },
    ]);
    v = await (await Visitor.arrive(browser, base, look)).login();
    page = v.page;
  });
  afterAll(() => v?.leave());

  test('a tag is renamed: a preview that comes late is none of what was typed since', async () => {
    const tag = (await tagOf(`${key}-a`)) as Tag;
    await v.go(`/tags?id=${tag.id}`);
    const field = page.getByRole('textbox', { name: say('Name', '名称') });
    await field.fill(`${key}-x`);
    const release = await hold(page, /\/tags\/\d+\?dry_run=true/);
    const save = button('Save', '保存', page.locator('.record'));
    await save.click();
    await field.fill(`${key}-y`);
    await release();
    await save.click();
    await page.locator('.record .preview [data-line="added"]', { hasText: `${key}-y` }).waitFor();
    expect((await call<Tag>('GET', `/tags/${tag.id}`)).name).toBe(`${key}-a`);
    await v.check(`${name}-tag-rename`);
    await save.click();
    await followed();
    expect((await call<Tag>('GET', `/tags/${tag.id}`)).name).toBe(`${key}-y`);
    await v.check(`${name}-tag-followed`);
    // Somebody else's rename is shown beside one's own.
    await field.fill(`${key}-mine`);
    await call('PATCH', `/tags/${tag.id}`, { name: `${key}-a` });
    await save.click();
    await dialog().getByText(`${key}-a`).waitFor();
    expect(v.errors.splice(0).join()).toContain('412');
    await button('Take what is saved', '采用已保存的内容', dialog()).click();
    await dialog().waitFor({ state: 'detached' });
  });

  test('tags are deleted, one and many, and restored: seen first, and followed', async () => {
    const c = (await tagOf(`${key}-c`)) as Tag;
    await v.go(`/tags?q=${key}&id=${c.id}`);
    await button('Delete…', '删除…', page.locator('.record')).click();
    await dialog()
      .locator('.preview [data-line="removed"]', { hasText: `${key}-c` })
      .waitFor();
    await dialog().getByRole('textbox').fill(`${key}-c`);
    await button('Delete', '删除', dialog()).click();
    await followed();
    await page.locator('.record').waitFor({ state: 'detached' });
    await row(`${key}-a`).locator('.ticks').click();
    await row(`${key}-b`).locator('.ticks').click();
    await button('Delete 2…', '删除 2 项…').click();
    await dialog().locator('.preview .unified').nth(1).waitFor();
    await dialog().getByText(say('Each was looked at by itself', '各项是分别计算的')).waitFor();
    await dialog().getByRole('textbox').fill('2');
    await v.check(`${name}-tags-delete-many`);
    // One that fails half way goes on behind those that are done.
    let asked = 0;
    await page.route(/\/tags\/\d+\?dry_run=false$/, (route) =>
      route.request().method() === 'DELETE' && ++asked === 2
        ? route.fulfill({ status: 503, json: { status: 503, title: 'busy', detail: 'try again' } })
        : route.continue(),
    );
    await button('Delete', '删除', dialog()).click();
    await dialog().getByText('try again').waitFor();
    expect(v.errors.splice(0).join()).toContain('503');
    await button('Delete', '删除', dialog()).click();
    await dialog().waitFor({ state: 'detached' });
    await row(`${key}-a`).waitFor({ state: 'detached' });
    await followed();
    await v.go(`/tags?q=${key}&deleted=true`);
    await row(`${key}-a`).locator('.ticks').click();
    await button('Restore 1…', '恢复 1 项…').click();
    await dialog()
      .locator('.preview [data-line="added"]', { hasText: `${key}-a` })
      .waitFor();
    await button('Restore', '恢复', dialog()).click();
    await followed();
    expect(await tagOf(`${key}-a`)).toBeDefined();
    expect(v.errors).toEqual([]);
  });

  test('an event is undone, and followed on the page that it was undone on', async () => {
    const b = (await call<{ items: Tag[] }>('GET', `/tags?deleted=true&q=${key}-b`)).items[0] as Tag;
    await v.go(`/events?object=tag/${b.id}`);
    await row(say('deleted', '删除')).first().click();
    await button('Undo…', '撤销…').click();
    await dialog().locator('.preview .unified').first().waitFor();
    await button('Undo it', '撤销', dialog()).click();
    await followed();
    await v.check(`${name}-event-followed`);
    await page.locator('.followed > button').click();
    await page.locator('.followed').waitFor({ state: 'detached' });
    expect(v.errors).toEqual([]);
  });

  test('the tags of a node are tried, and not left unsaved', async () => {
    await v.go(`/nodes/${world.node}/settings`);
    const field = page.getByRole('combobox', { name: say('Tags', '标签') });
    const save = button('Save tags', '保存标签');
    await field.fill('a'.repeat(200));
    await field.press('Enter');
    await page.locator('.previewline[data-state="bad"]').waitFor();
    expect(await save.isDisabled()).toBe(true);
    expect(v.errors.splice(0).join()).toContain('422');
    await field.press('Backspace');
    await field.fill(`${key}-a`);
    await field.press('Enter');
    await page.locator('.previewline[data-state="good"]').waitFor();
    await v.check(`${name}-node-tags`);
    page.once('dialog', (asked) => void asked.dismiss());
    await page.locator('.tabs a').first().click();
    await save.click();
    await waitFor('they are saved', async () =>
      (await call<{ tags: string[] }>('GET', `/nodes/${world.node}`)).tags.includes(`${key}-a`),
    );
    expect(v.errors).toEqual([]);
  });

  test('a node is deleted by its name, and restored from the corner', async () => {
    const host = `gone-${name}`;
    const uuid = await joined(host);
    await tagged(uuid, 'left', [{ addr: '127.0.0.1:1', tags: [] }]);
    const there = async () => (await call<{ items: object[] }>('GET', `/nodes?q=${uuid}`)).items.length === 1;
    await v.go(`/nodes/${uuid}/settings`);
    const remove = { name: t('nodeDelete.button') };
    await page.getByRole('button', remove).click();
    await dialog()
      .getByText(t('nodeDelete.jobs', { count: 1 }))
      .waitFor();
    const sure = dialog().getByRole('button', remove);
    await dialog().getByRole('textbox').fill('gone');
    expect(await sure.isDisabled()).toBe(true);
    await dialog().getByRole('textbox').fill(host);
    await v.check(`${name}-node-delete`);
    await sure.click();
    await page.waitForURL(`${base}/`);
    await page.getByText(t('nodeDelete.done', { host })).waitFor();
    expect(await there()).toBe(false);
    await page.getByRole('button', { name: t('nodeDelete.restore') }).click();
    await page.waitForURL(`${base}/nodes/${uuid}`);
    await page.getByText(t('nodeDelete.restored', { host })).waitFor();
    await page.locator('.overview').waitFor();
    expect(await there()).toBe(true);
    await v.picture(`${name}-node-restored`);
    expect(v.errors).toEqual([]);
  });

  test('a prometheus.yml is imported: refused at what is wrong, and seen first', async () => {
    const error = 'prometheus.yml has scrape jobs that promfleet did not write';
    const uuid = await joined(`own-${name}`, { state: 'failed', error });
    await v.go(`/start?node=${uuid}`);
    const yml = page.getByLabel(t('adopt.paste'));
    const see = page.getByRole('button', { name: t('adopt.look') });
    await yml.fill('scrape_configs:\n- job_name: x\n  nonsense: 1\n');
    await see.click();
    await page.getByRole('alert').getByText('nonsense').waitFor();
    expect(v.errors.splice(0).join()).toContain('422');
    await yml.fill('scrape_configs:\n- job_name: brought\n  static_configs:\n  - targets: [127.0.0.1:1]\n');
    await see.click();
    await page
      .getByRole('listitem')
      .filter({ hasText: 'brought' })
      .filter({ hasText: t('adopt.targets', { count: 1 }) })
      .last()
      .waitFor();
    expect((await call<{ total: number }>('GET', `/jobs?node=${uuid}`)).total).toBe(0);
    await v.check(`${name}-start-adopt`);
    await page.getByRole('button', { name: t('adopt.import'), exact: true }).click();
    await page.getByText(t('adopt.done')).waitFor();
    expect((await call<{ total: number }>('GET', `/targets?node=${uuid}`)).total).toBe(1);
    expect(v.errors).toEqual([]);
  });
});

test('what several nodes are to have is followed in a line for each', async () => {
  await tagged(world.node, 'tagged_here', [{ addr: '127.0.0.1:1', tags: ['everywhere'] }]);
  await tagged(await joined('silent-1'), 'tagged_there', [{ addr: '127.0.0.1:1', tags: ['everywhere'] }]);
  const { items } = await call<{ items: Tag[] }>('GET', '/tags?q=everywhere');
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`/tags?id=${items[0]?.id}`);
  await page.getByRole('textbox', { name: 'Name' }).fill('all around');
  await page.locator('.record').getByRole('button', { name: 'Save' }).click();
  await page.locator('.record .preview').getByText('silent-1').waitFor();
  await page.locator('.record').getByRole('button', { name: 'Save' }).click();
  const lines = page.locator('.follow p');
  await lines.filter({ hasText: 'loaded by Prometheus' }).waitFor();
  await lines.filter({ hasText: 'silent-1' }).waitFor();
  expect(await lines.count()).toBe(2);
  await v.check('tag-followed-by-several');
  // Elsewhere it is of no use any more.
  await page.getByRole('link', { name: 'Jobs' }).click();
  await page.locator('.follow').waitFor({ state: 'detached' });
  await v.leave();
});

test('the first target: a preview that comes late is none of what was typed since', async () => {
  const uuid = await joined('first-1');
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`/start?node=${uuid}`);
  const key = page.locator('.firstrun form input').first();
  await key.fill('early');
  const release = await hold(page, /\/jobs\?dry_run=true/);
  const submit = page.locator('.firstrun form button[type="submit"]');
  await submit.click();
  await key.fill('late');
  await release();
  await submit.click();
  await page.locator('.preview [data-line="added"]', { hasText: 'late' }).first().waitFor();
  expect((await call<{ total: number }>('GET', `/jobs?node=${uuid}`)).total).toBe(0);
  await submit.click();
  await waitFor(
    'both are made',
    async () => (await call<{ total: number }>('GET', `/targets?node=${uuid}`)).total === 1,
  );
  const { items } = await call<{ items: { key: string }[] }>('GET', `/jobs?node=${uuid}`);
  expect(items.map((j) => j.key)).toEqual(['late']);
  expect(v.errors).toEqual([]);
  await v.leave();
});
