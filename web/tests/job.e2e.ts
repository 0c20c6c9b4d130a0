import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, textsOf, Visitor, world } from './browser';
import { waitFor } from './processes';

interface Job {
  id: number;
  key: string;
  remark: string;
  contacts: number[];
  scrape_config: Record<string, unknown>;
}

let browser: Browser;
let prometheus = '';

const jobs = async (query: string) => (await call<{ items: Job[] }>('GET', `/jobs?node=${world.node}&${query}`)).items;
const jobOf = async (key: string) => (await jobs(`key=${key}`))[0];

/** The jobs that the real Prometheus has loaded, as it says itself. */
async function loaded(): Promise<string> {
  const answer = (await (await fetch(`${prometheus.replace(/\/$/, '')}/api/v1/status/config`)).json()) as {
    data: { yaml: string };
  };
  return answer.data.yaml;
}

beforeAll(async () => {
  browser = await launch();
  prometheus = (await call<{ addr: string }>('GET', `/nodes/${world.node}`)).addr;
  const { id } = await call<{ id: number }>('POST', '/users', { name: 'anna', role: 'editor' });
  await call('POST', `/users/${id}/contacts`, { addr: 'anna@example.com' });
});
afterAll(() => browser?.close());

const looks: [string, string, Look & { base: string }][] = [
  ['en-light', 'web_en', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', 'web_zh', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

describe.each(looks)('%s', (name, key, { base, ...look }) => {
  let v: Visitor;
  const zh = look.language === 'zh-CN';
  const say = (en: string, chinese: string) => (zh ? chinese : en);
  /** Forgets what the browser itself says of what was tried while it was typed, and refused. */
  const tried = (status = 422) => {
    const others = v.errors.splice(0).filter((e) => !e.includes(`status of ${status}`) || !e.includes('dry_run=true'));
    expect(others).toEqual([]);
  };
  /** Takes what is offered; a list that has only just opened takes no keys yet, lest it swallow a typed one. */
  const choose = async (label: string) => {
    await v.page.locator(`.cm-completionLabel >> text=/^${label}$/`).waitFor();
    await v.page.waitForTimeout(100);
    await v.page.keyboard.press('Enter');
  };
  beforeAll(async () => {
    v = await (await Visitor.arrive(browser, base, look)).login();
  });
  afterAll(() => v?.leave());

  test('a job is created: fields are offered, faults are marked, the effect is seen first', async () => {
    const page = await v.go(`/nodes/${world.node}/new-job`);
    await page.locator('input.mono').first().fill('1bad');
    await page.locator('.mantine-TextInput-error').waitFor();
    tried();
    await page.locator('input.mono').first().fill(key);
    const editor = page.locator('.cm-content');
    await editor.click();
    await page.keyboard.type('scrape_inter');
    await page
      .locator('.cm-completionInfo .fielddoc')
      .filter({ hasText: say('How often each target is scraped.', '每个目标的抓取间隔。') })
      .waitFor();
    await choose('scrape_interval');
    await page.keyboard.type('1s\nrelabel_configs:\n- act');
    await choose('action');
    await page.locator('.cm-completionLabel >> text=labeldrop').waitFor();
    await page.keyboard.type('keepp\nsource_labels: [__meta_prom');
    await choose('__meta_promfleet_tags');
    await page.keyboard.type(']');
    // What Prometheus says, at the line that it is about.
    const fault = page.locator('.faults li');
    await fault.filter({ hasText: 'keepp' }).waitFor();
    tried();
    expect(await fault.first().textContent()).toMatch(say('Line 3', '第 3 行'));
    await page.locator('.cm-lint-marker').waitFor();
    await v.check(`${name}-job-fault`);
    await editor.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText('scrape_interval: 1s\nhonor_labels: yes\n');
    await page.locator('.preview .unified').first().waitFor();
    await page.locator('.cm-line >> text=honor_labels').hover({ position: { x: 30, y: 8 } });
    await page
      .locator('.cm-tooltip-hover .fielddoc')
      .filter({ hasText: say('false renames it to exported_NAME.', 'false 将其改名为 exported_NAME。') })
      .waitFor();
    tried();
    await v.check(`${name}-job-new`);
    await page.keyboard.press('Control+s');
    await page.waitForURL(`${base}/nodes/${world.node}/jobs/${key}`);
    expect((await jobOf(key))?.scrape_config).toEqual({ scrape_interval: '1s', honor_labels: true });
    await page.locator('.strip li:last-child[data-mark="done"]').waitFor();
    expect(await loaded()).toContain(`job_name: ${key}`);
  });

  test('its remark and contacts are edited where they stand', async () => {
    const page = await v.go(`/nodes/${world.node}/jobs/${key}/config`);
    await page.getByRole('button', { name: say('Edit the remark', '编辑备注') }).click();
    await page.keyboard.type('Web servers 网站');
    // What is not saved is not lost by a click.
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.locator('.tabs a').first().click();
    await page.locator('.remark input').press('Enter');
    await page.locator('.remark >> text=网站').waitFor();
    await page.getByRole('button', { name: say('Choose contacts', '选择联系方式') }).click();
    await page.getByRole('option', { name: /anna/ }).click();
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.locator('.tabs a').first().click();
    await page
      .locator('.contacts')
      .getByRole('button', { name: say('Save', '保存') })
      .click();
    await page.locator('.contacts .tag >> text=anna').waitFor();
    const job = await jobOf(key);
    expect(job?.remark).toBe('Web servers 网站');
    expect(job?.contacts).toHaveLength(1);
  });

  test('a change is seen before it is made, and followed until it is loaded', async () => {
    const { id } = (await jobOf(key)) as Job;
    await call('PATCH', `/jobs/${id}`, { scrape_config: { basic_auth: { username: 'u', password: 'p4ss' } } });
    const page = await v.go(`/nodes/${world.node}/jobs/${key}/config`);
    const editor = page.locator('.cm-content');
    await page.locator('.cm-line >> text=<secret>').waitFor();
    const save = page.locator('.effect').getByRole('button', { name: say('Save', '保存') });
    expect(await save.isDisabled()).toBe(true);
    await editor.click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('metrics_path: "/mé\\u0074rics/$1" # why');
    await page.locator('.preview .unified >> text=/m').first().waitFor();
    tried();
    await v.check(`${name}-job-effect`);
    // What is not saved is not lost by a click.
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.locator('.tabs a').first().click();
    await page.locator('.effect .tag').waitFor();
    await editor.click();
    await page.keyboard.press('Control+s');
    await page.locator('.followed .strip li:last-child[data-mark="done"]').waitFor();
    const config = (await jobOf(key))?.scrape_config;
    expect(config).toMatchObject({ metrics_path: '/métrics/$1', basic_auth: { password: '<secret>' } });
    expect(await loaded()).toContain('metrics_path: /métrics/$1');
  });

  test('what somebody else has saved meanwhile is brought together', async () => {
    const page = v.page;
    const { id } = (await jobOf(key)) as Job;
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('sample_limit: 500\n');
    await page.locator('.preview').waitFor();
    await call('PATCH', `/jobs/${id}`, { scrape_config: { label_limit: 30 } });
    // The page sees it by itself, if the save does not come first.
    await page.locator('.effect [role="alert"] button').click();
    await page.locator('.cm-mergeView').waitFor();
    await v.check(`${name}-job-stale`);
    // Closed, nothing is decided: the next save asks again.
    await page.keyboard.press('Escape');
    await page.locator('.cm-mergeView').waitFor({ state: 'detached' });
    await page.locator('.editor .cm-content').click();
    await page.keyboard.press('Control+s');
    await page.locator('.cm-mergeView').waitFor();
    expect((await jobOf(key))?.scrape_config.sample_limit).toBeUndefined();
    // Theirs is taken over into mine.
    await page.locator('.cm-merge-b .cm-content').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('label_limit: 30\n');
    await page.getByRole('button', { name: say('Use the right side', '使用右侧') }).click();
    await page.locator('.cm-mergeView').waitFor({ state: 'detached' });
    tried(412);
    await page.locator('.verdict[data-verdict="good"]').waitFor();
    await page.locator('.editor .cm-content').click();
    await page.keyboard.press('Control+s');
    await waitFor('both are saved', async () => {
      const config = (await jobOf(key))?.scrape_config;
      return config?.sample_limit === 500 && config.label_limit === 30;
    });
  });

  test('its history says who changed what, and takes it back', async () => {
    const page = await v.go(`/nodes/${world.node}/jobs/${key}/history`);
    await page.locator('.beside .cm-insertedLine, .beside .cm-changedLine').first().waitFor();
    await v.check(`${name}-job-history`);
    await page.getByRole('button', { name: say('Undo…', '撤销…') }).click();
    await page.locator('.preview').waitFor();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: say('Undo it', '撤销'), exact: true })
      .click();
    await waitFor('it is undone', async () => (await jobOf(key))?.scrape_config.sample_limit === undefined);
    await page.locator('.followed .strip li:last-child[data-mark="done"]').waitFor();
  });

  test('deleted by typing its key, and restored', async () => {
    const page = await v.go(`/nodes/${world.node}/jobs/${key}`);
    await page.getByRole('button', { name: say('Delete', '删除') }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.preview').waitFor();
    const sure = dialog.getByRole('button', { name: say('Delete', '删除') });
    expect(await sure.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill(key);
    await v.check(`${name}-job-delete`);
    await sure.click();
    await page.locator('.gone').waitFor();
    await page.locator('.gone .cm-line').first().waitFor();
    await v.check(`${name}-job-gone`);
    expect(await jobOf(key)).toBeUndefined();
    await page.locator('.gone').getByRole('button').first().click();
    await dialog.locator('.preview .unified').first().waitFor();
    await v.check(`${name}-job-restore`);
    await dialog.getByRole('button', { name: say('Restore', '恢复') }).click();
    await page.locator('.tabs').waitFor();
    await page.locator('.strip li:last-child[data-mark="done"]').waitFor();
    expect(await loaded()).toContain(`job_name: ${key}`);
    // And by the toast.
    await page.getByRole('button', { name: say('Delete', '删除') }).click();
    await dialog.getByRole('textbox').fill(key);
    await sure.click();
    await page.locator('.followed > button').click(); // to be seen again by what follows
    await page
      .locator('.mantine-Notification-root')
      .getByRole('button', { name: say('Undo', '撤销') })
      .last()
      .click();
    await page.locator('.tabs').waitFor();
    await waitFor('it is there again', async () => (await jobOf(key)) !== undefined);
    await page.locator('.followed .strip li:last-child[data-mark="done"]').waitFor();
    expect(v.errors).toEqual([]);
  });

  test('a job that files manage is read here, and released', async () => {
    const t = textsOf(look);
    const managed = `files_${key}`;
    await call('POST', '/apply', [
      { kind: 'job', node: world.node, key: managed, scrape_config: { scrape_interval: '2s' } },
    ]);
    const page = await v.go(`/nodes/${world.node}/jobs/${managed}/config`);
    const button = (text: string) => page.getByRole('button', { name: text, exact: true });
    await page.getByText(t('job.managedHelp')).waitFor();
    for (const text of ['job.delete', 'job.save', 'job.editRemark']) expect(await button(t(text)).count()).toBe(0);
    await button(t('job.editContacts')).click();
    await page.getByRole('option', { name: /anna/ }).click();
    await button(t('job.save')).click();
    await page.locator('.contacts .tag >> text=anna').waitFor();
    await page.locator('button.managed').click();
    await v.check(`${name}-job-managed`);
    await button(t('job.release')).click();
    await button(t('job.delete')).waitFor();
    expect((await jobOf(managed))?.contacts).toHaveLength(1);
    expect(v.errors).toEqual([]);
  });
});

test('line numbers stand beside their lines, however one comes to them', async () => {
  const drop = { source_labels: ['__address__'], regex: '.*:1', action: 'drop' };
  const scrape_config = { scrape_interval: '5s', relabel_configs: [drop] };
  await call('POST', '/jobs', { node: world.node, key: 'numbered', scrape_config });
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = v.page;
  /** The tops of the numbers and of the lines, rounded, once the editor has come to rest. */
  const tops = async () => {
    const of = (selector: string) =>
      page.locator(selector).evaluateAll((all) => all.map((e) => Math.round(e.getBoundingClientRect().top)));
    await page.locator('.cm-line >> text=source_labels').waitFor();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const lines = await of('.editor .cm-line');
    // The first element of the gutter only holds the room of the widest number.
    const numbers = (await of('.editor .cm-lineNumbers .cm-gutterElement')).slice(1);
    return { lines, numbers };
  };
  const beside = async () => {
    const { lines, numbers } = await tops();
    expect(lines.length).toBeGreaterThan(3);
    expect(numbers).toEqual(lines);
  };
  const place = `/nodes/${world.node}/jobs/numbered`;
  await v.go(`${place}/config`);
  await beside();
  await v.go(`${place}/config?at=relabel_configs[0]`);
  await beside();
  await v.picture('job-numbered');
  expect(await page.title()).toMatch(/^numbered: scrape_config · /);
  await v.go(place);
  await page.getByRole('link', { name: 'scrape_config' }).click();
  await beside();
  expect(v.errors).toEqual([]);
  await v.leave();
});
