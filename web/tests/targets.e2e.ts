import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, Visitor, world } from './browser';
import { waitFor } from './processes';

/** What must be shown as text, and never be anything else. */
const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe';
const shown = '<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe';

interface Target {
  id: number;
  addr: string;
  name: string;
  remark: string;
  labels: Record<string, string>;
  tags: string[];
}

let browser: Browser;
let job = 0;
let prometheus = '';
const path = `/nodes/${world.node}/jobs/shop`;
const up = new URL(world.direct).host;

const targets = async (query = '') =>
  (await call<{ items: Target[] }>('GET', `/targets?job=${job}&limit=1000${query}`)).items;

const first: Omit<Target, 'id'>[] = [
  { addr: up, name: 'plane', remark: '=1+1', labels: { env: 'prod' }, tags: ['edge'] },
  { addr: '127.0.0.1:1', name: 'gone', remark: '', labels: { env: 'test' }, tags: ['edge', '北京'] },
  { addr: '127.0.0.1:2', name: hostile, remark: hostile, labels: { note: hostile }, tags: [hostile.slice(0, 28)] },
];

beforeAll(async () => {
  browser = await launch();
  const made = await call<{ id: number }>('POST', '/jobs', {
    node: world.node,
    key: 'shop',
    scrape_config: { scrape_interval: '1s' },
  });
  job = made.id;
  await call('PUT', `/jobs/${job}/targets`, first);
  await waitFor('the health of all is known', async () => {
    const ids = (await targets()).map((t) => t.id);
    const { items } = await call<{ items: { state: string }[] }>('POST', '/targets/health', { ids });
    return items.filter((h) => h.state === 'up').length === 1 && items.filter((h) => h.state === 'down').length === 2;
  });
  prometheus = (await call<{ addr: string }>('GET', `/nodes/${world.node}`)).addr.replace(/\/$/, '');
});
afterAll(() => browser?.close());

/** The labels that the real Prometheus has of a target, before relabelling. */
async function atPrometheus(addr: string): Promise<Record<string, string> | undefined> {
  const answer = await fetch(`${prometheus}/api/v1/targets?state=active&scrapePool=shop`);
  const { data } = (await answer.json()) as { data: { activeTargets: { discoveredLabels: Record<string, string> }[] } };
  return data.activeTargets.find((t) => t.discoveredLabels.__address__ === addr)?.discoveredLabels;
}

const row = (page: Page, text: string) => page.locator('[role="row"]', { hasText: text });
const paste = (page: Page, text: string) =>
  page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);

const looks: [string, Look & { base: string }][] = [
  ['en-light', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

describe.each(looks)('%s', (name, { base, ...look }) => {
  test('every view', async () => {
    const v = await (await Visitor.arrive(browser, base, look)).login();
    const page = await v.go('/targets?q=127.0.0.1&sort=addr');
    await row(page, up).locator('[data-health="up"]').first().waitFor(); // other tests have targets too
    const gone = row(page, '127.0.0.1:1').filter({ hasText: 'gone' });
    await gone.locator('[data-health="down"]').waitFor();
    await gone.getByText('connection refused').waitFor();
    await page.getByText(shown, { exact: true }).first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await v.check(`${name}-targets`);
    await gone.locator('input[type="checkbox"]').click();
    await page.locator('.toolbar .chosen button').first().click();
    await page.getByRole('dialog').waitFor();
    await v.check(`${name}-targets-bulk`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await paste(
      page,
      '地址\t名称\t标签\t备注\t机房\n10.1.0.1:9100\tweb-1\t线上\t\tA\n10.1.0.2 9100\tweb-2\t线上\tx\tB\n',
    );
    await page.locator('.sheet tr[data-bad]').waitFor();
    await v.check(`${name}-targets-paste`);
    await v.go(path);
    await row(page, '127.0.0.1:1').locator('[data-health="down"]').waitFor();
    await v.check(`${name}-job-targets`);
    const [target] = await targets('&q=gone');
    await v.go(`${path}?target=${target?.id}&show=history`);
    await page.locator('.changes li').first().waitFor();
    await v.check(`${name}-target-history`);
    await v.go(`${path}?target=${target?.id}&show=explain`);
    await page.locator('.chain').first().waitFor();
    await v.check(`${name}-target-explain`);
    await v.leave();
  });
});

test('a target is edited where it stands, by keys alone, until Prometheus has it', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`${path}?q=gone`);
  await row(page, '127.0.0.1:1').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('e');
  const addr = page.locator('.cell-input[data-field="addr"]');
  await expect.poll(() => addr.evaluate((e) => e === document.activeElement)).toBe(true);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('127.0.0.1:99999');
  await page.keyboard.press('Enter');
  await page.locator('.editbar').getByText('not a number from 0 to 65535').waitFor();
  expect(await addr.getAttribute('aria-invalid')).toBe('true');
  await v.check('targets-edit-refused');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('127.0.0.1:3');
  const labels = page.locator('.cell-input[data-field="labels"]');
  for (let i = 0; i < 5 && !(await labels.evaluate((e) => e === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('End');
  await page.keyboard.type(' zone="b 1"');
  await page.keyboard.press('Enter');
  await page.locator('.follow').getByText('loaded by Prometheus').waitFor();
  expect(await atPrometheus('127.0.0.1:3')).toMatchObject({ zone: 'b 1', env: 'test' });
  await v.check('targets-edited');
  // Escape leaves all as it was; Enter on a row asks why.
  await page.keyboard.press('e');
  await addr.waitFor();
  await page.keyboard.type('x');
  await page.keyboard.press('Escape');
  await addr.waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await page.waitForURL(/target=\d+&show=explain/);
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // A new one, begun by a key.
  await page.keyboard.press('n');
  await page.keyboard.type('127.0.0.1:4');
  await page.keyboard.press('Enter');
  await waitFor('the target is made', async () => (await targets('&addr=127.0.0.1:4')).length === 1);
  await page.keyboard.press('Escape');
  await page.locator('.newrow').waitFor({ state: 'detached' });
  expect(v.errors).toEqual([]);
  await v.leave();
});

test('the server refuses, and says at which field', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`${path}?addr=127.0.0.1:4`);
  await row(page, '127.0.0.1:4').locator('.health').dblclick();
  await page.locator('.cell-input[data-field="addr"]').fill('127.0.0.1:3');
  await page.locator('.cell-input[data-field="name"]').fill('gone');
  await page.keyboard.press('Enter');
  await page.locator('.editbar').getByText('already').waitFor();
  expect(await page.locator('.cell-input[data-field="addr"]').getAttribute('aria-invalid')).toBe('true');
  expect(v.errors.splice(0).join()).toContain('409');
  await v.leave();
});

test('a stale edit shows both versions, field by field', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`${path}?q=plane`);
  await row(page, 'plane').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('e');
  await page.locator('.cell-input[data-field="name"]').fill('mine');
  const [plane] = await targets('&q=plane');
  await call('PATCH', `/targets/${plane?.id}`, { name: 'theirs', labels: { rack: '7' } });
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('theirs').waitFor();
  expect(v.errors.splice(0).join()).toContain('412');
  await v.check('targets-stale');
  await dialog.getByRole('button', { name: 'Save this' }).click();
  await dialog.waitFor({ state: 'detached' });
  await waitFor('both are saved', async () => {
    const [t] = await targets('&q=mine');
    return t?.labels.rack === '7' && t.name === 'mine';
  });
  await call('PATCH', `/targets/${plane?.id}`, { name: 'plane', labels: { rack: null } });
  await v.leave();
});

test('what is pasted is corrected, seen, and written', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(path);
  await row(page, 'plane').waitFor();
  await paste(
    page,
    `地址,名称,备注,label:env\n127.0.0.1:11,p1,"说, 明",prod\n127.0.0.1:x,p2,,prod\n127.0.0.1:13,p3,,\n`,
  );
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 rows are good').waitFor();
  await dialog.getByText('x is not a number').waitFor();
  const preview = dialog.getByRole('button', { name: 'Preview the change' });
  expect(await preview.isDisabled()).toBe(true);
  await dialog.locator('tr[data-bad] .cell-input').first().fill('127.0.0.1:12');
  await dialog.getByText('3 rows are good').waitFor();
  await preview.click();
  await dialog.getByText('+3 targets').waitFor();
  await v.check('targets-paste-preview');
  await dialog.getByRole('button', { name: 'Write 3 targets' }).click();
  await dialog.getByText('3 new').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.locator('.follow').getByText('loaded by Prometheus').waitFor();
  const made = (await targets('&q=127.0.0.1:1')).filter((t) => t.name.startsWith('p'));
  expect(made.map((t) => [t.addr, t.remark, t.labels])).toEqual([
    ['127.0.0.1:11', '说, 明', { env: 'prod' }],
    ['127.0.0.1:12', '', { env: 'prod' }],
    ['127.0.0.1:13', '', {}],
  ]);
  // What only the server can know is marked in the row too.
  await paste(page, `addr,name,labels.env\n127.0.0.1:11,another,prod\n`);
  await preview.click();
  await dialog.locator('tr[data-bad]').getByText('the same as those of another target').waitFor();
  expect(v.errors.splice(0).join()).toContain('409');
  await v.leave();
});

test('all that a filter selects is edited, once one has seen what that does', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`${path}?q=127.0.0.1:1`);
  await row(page, 'p1').waitFor();
  const n = await page.locator('.toolbar [role="status"]').textContent();
  const count = Number(/\d+/.exec(n ?? '')?.[0]);
  await page.getByRole('button', { name: `Edit all ${count}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Set labels').fill('zone="c"');
  await dialog.getByLabel('Add tags').fill('线上');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Preview the change' }).click();
  await dialog.getByText(`${count} targets changed`).waitFor();
  await v.check('targets-bulk-preview');
  await dialog.getByRole('button', { name: `Change ${count} targets` }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.follow').getByText('loaded by Prometheus').waitFor();
  const changed = await targets('&tag=线上');
  expect(changed.length).toBe(count);
  expect(changed.every((t) => t.labels.zone === 'c')).toBe(true);
  expect(await atPrometheus('127.0.0.1:12')).toMatchObject({ zone: 'c' });
  await v.leave();
});

test('CSV out and in again changes nothing, and no spreadsheet executes it', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(path);
  await row(page, 'plane').waitFor();
  const before = await targets();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ]);
  const saved = await file.path();
  const csv = readFileSync(saved, 'utf8');
  expect(csv).toContain("'=1+1");
  expect(csv).not.toMatch(/(^|[,;\n"])=1\+1/);
  const dialog = page.getByRole('dialog');
  await dialog.getByText(`has ${before.length} targets`).waitFor();
  await v.check('targets-export');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Paste or import' }).click();
  await dialog
    .locator('input[type="file"]')
    .or(page.locator('input[type="file"]'))
    .first()
    .setInputFiles({
      name: 'targets.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(csv),
    });
  await dialog.getByText(`${before.length} rows are good`).waitFor();
  await dialog.getByRole('button', { name: 'Preview the change' }).click();
  await dialog.getByText('No file changes').waitFor();
  await dialog.getByRole('button', { name: `Write ${before.length} targets` }).click();
  await dialog.getByText(`${before.length} as they were`).waitFor();
  expect(await targets()).toEqual(before);
  await v.leave();
});

test('what is deleted stops being scraped, and comes back', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go(`${path}?q=127.0.0.1:1&sort=addr`);
  await row(page, 'p1').locator('input[type="checkbox"]').click();
  await row(page, 'p2').locator('input[type="checkbox"]').click();
  await page.locator('.chosen').getByText('2 selected').waitFor();
  await page.locator('.chosen').getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('127.0.0.1:12').first().waitFor();
  const go = dialog.getByRole('button', { name: 'Delete 2 targets' });
  expect(await go.isDisabled()).toBe(true);
  await dialog.getByRole('textbox').fill('shop');
  await v.check('targets-delete');
  await go.click();
  await dialog.waitFor({ state: 'detached' });
  await waitFor('Prometheus has let it go', async () => (await atPrometheus('127.0.0.1:12')) === undefined);
  await page.getByRole('button', { name: 'Undo' }).click();
  await waitFor('Prometheus has it again', async () => (await atPrometheus('127.0.0.1:12')) !== undefined);
  await row(page, 'p2').waitFor();
  expect(v.errors).toEqual([]);
  await v.leave();
});
