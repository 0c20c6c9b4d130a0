import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, Visitor, world } from './browser';

const many = 230; // more than a page of the list has

let browser: Browser;
const uuids: string[] = [];
const name = (i: number) => `zz-${String(i).padStart(3, '0')}`;

beforeAll(async () => {
  browser = await launch();
  const { secret } = await call<{ secret: string }>('POST', '/join-tokens', { max_uses: many });
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < many; i = next++) {
      const uuid = randomUUID();
      uuids[i] = uuid;
      const node = { protocol: 1, uuid, hostname: name(i), addr: `https://${name(i)}.example.com:9090/` };
      await call('POST', '/agent/register', { ...node, agent_version: '0.1.0', prometheus_version: '3.16.0' }, secret);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  for (let i = 0; i < 40; i++) {
    const job = await call<{ id: number }>('POST', '/jobs', {
      node: uuids[i % 20],
      key: `list_${String(i).padStart(2, '0')}`,
      remark: i % 3 === 0 ? `机房 ${i}` : '',
      scrape_config: i % 2 === 0 ? { scrape_interval: '15s' } : {},
    });
    if (i % 20 === 3)
      await call('POST', `/jobs/${job.id}/targets`, [{ addr: 'a:1' }, { addr: 'b:2' }, { addr: 'c:3' }]);
  }
});
afterAll(async () => {
  await Promise.all(uuids.map((uuid) => call('DELETE', `/nodes/${uuid}`)));
  await browser?.close();
});

const looks: [string, Look & { base: string }][] = [
  ['en-light', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];

/** The row that the keys are at. */
const current = (page: Page) => page.locator('[role="row"][data-chosen]');

describe.each(looks)('%s', (look, { base, ...how }) => {
  let v: Visitor;
  beforeAll(async () => {
    v = await (await Visitor.arrive(browser, base, how)).login();
  });
  afterAll(() => v?.leave());

  test('the jobs of all nodes', async () => {
    const page = await v.go('/jobs');
    await page.getByRole('link', { name: 'list_00', exact: true }).waitFor();
    await page.locator('[role="row"] >> text=zz-000').first().waitFor();
    await page
      .locator('[role="row"]', { hasText: 'list_03' })
      .getByRole('gridcell', { name: '3', exact: true })
      .waitFor();
    await v.check(`${look}-all-jobs`);
    await page.locator('.picknode input').first().click();
    await page.keyboard.type('zz-013');
    await page.getByRole('option', { name: 'zz-013' }).click();
    await page.waitForURL(`${base}/jobs?node=${uuids[13]}`);
    await page.locator('[role="grid"][aria-rowcount="3"]').waitFor();
    await v.check(`${look}-jobs-of-one`);
    await page.locator('h1').click();
    await page.keyboard.press('/');
    await page.keyboard.type('list_33');
    await page.locator('[role="grid"][aria-rowcount="2"]').waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toBe('list_33');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/nodes/${uuids[13]}/jobs/list_33`));
  });

  test('the jobs of a node', async () => {
    const page = await v.go(`/nodes/${uuids[3]}/jobs`);
    await page.getByRole('link', { name: 'list_23', exact: true }).waitFor();
    expect(await page.getByRole('gridcell', { name: '3', exact: true }).count()).toBe(2);
    await v.check(`${look}-node-jobs`);
    await page.getByRole('columnheader').first().getByRole('button').click();
    await page.waitForURL(/sort=-key/);
    await page.locator('[role="row"][aria-rowindex="2"]').getByRole('link', { name: 'list_23', exact: true }).waitFor();
  });
});

test('what is typed into a filter stays as it was typed, and follows the address', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go('/jobs');
  const rows = (count: number) => page.locator(`[role="grid"][aria-rowcount="${count + 1}"]`).waitFor();
  const field = page.getByRole('searchbox');
  await page.getByRole('grid').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('机房 ');
  await rows(14);
  expect(await field.inputValue()).toBe('机房 '); // whose space the address does not have
  await page.keyboard.type('3');
  await rows(5);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement === document.body);
  expect(await field.inputValue()).toBe('机房 3');
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await page.waitForURL(`${world.direct}/jobs`);
  expect(await field.inputValue()).toBe('');
  await page.goBack();
  await rows(5);
  expect(await field.inputValue()).toBe('机房 3');
  expect(v.errors).toEqual([]);
  await v.leave();
});

test('what was typed last does not lead back from where one has gone meanwhile', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go('/');
  await page.locator('.grid .row .state').first().waitFor();
  // The next page comes slowly: the fleet is still there when its filter settles.
  await page.route(/\/assets\/.*\.js/, async (route) => {
    await new Promise((done) => setTimeout(done, 600));
    await route.continue();
  });
  await page.keyboard.press('/');
  await page.keyboard.type('zz');
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.tabs').waitFor();
  expect(new URL(page.url()).pathname).toMatch(/^\/nodes\/./);
  await v.leave();
});

test('any place of a long list, by keys, wheel and scrollbar', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go('/?q=zz-');
  const grid = page.locator(`[role="grid"][aria-rowcount="${many + 1}"]`);
  await grid.waitFor();
  const asked: string[] = [];
  page.on('request', (r) => r.url().includes('/api/v1/nodes?') && asked.push(r.url()));
  await page.locator('h1').click();
  await page.keyboard.press('j');
  await current(page)
    .getByRole('link', { name: name(0), exact: true })
    .waitFor();
  await page.keyboard.press('End');
  await current(page)
    .getByRole('link', { name: name(many - 1), exact: true })
    .waitFor();
  expect(await current(page).getAttribute('aria-rowindex')).toBe(String(many + 1));
  expect(asked.filter((url) => url.includes('offset=200')).length).toBe(1);
  await page.keyboard.press('k');
  await current(page)
    .getByRole('link', { name: name(many - 2), exact: true })
    .waitFor();
  expect(await grid.getAttribute('aria-activedescendant')).toBe(await current(page).getAttribute('id'));
  await page.keyboard.press('Home');
  await current(page)
    .getByRole('link', { name: name(0), exact: true })
    .waitFor();
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageUp');
  await current(page)
    .getByRole('link', { name: name(0), exact: true })
    .waitFor();
  await grid.evaluate((element) => element.scrollTo({ top: 100 * 32 }));
  await page
    .locator('[role="row"][aria-rowindex="110"]')
    .getByRole('link', { name: name(108), exact: true })
    .waitFor();
  // Who has scrolled away goes on where one looks.
  await page.keyboard.press('j');
  await current(page)
    .getByRole('link', { name: name(100), exact: true })
    .waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(`${world.direct}/nodes/${uuids[100]}`);
  // And is there again on the way back.
  await page.goBack();
  await page
    .locator('[role="row"][aria-rowindex="102"]')
    .getByRole('link', { name: name(100), exact: true })
    .waitFor();
  // g and j is another page, and does not move.
  await page.locator('h1').click();
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await page.waitForURL(`${world.direct}/jobs`);
  expect(v.errors).toEqual([]);
  await v.leave();
});

test('the row that the keys are at is in the address, for others and for the way back', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go('/?q=zz-');
  const at = (i: number) => page.waitForURL((url) => url.searchParams.get('row') === `${i + 1}_${uuids[i]}`);
  const standsAt = (i: number) =>
    current(page)
      .getByRole('link', { name: name(i), exact: true })
      .waitFor();
  await page.locator(`[role="grid"][aria-rowcount="${many + 1}"]`).focus(); // it has an end once it has rows
  await page.keyboard.press('End'); // a row that is still to be read
  await at(many - 1);
  await page.keyboard.press('k');
  await at(many - 2);
  const said = page.url();
  const other = await v.go(`/?q=zz-&row=3_${uuids[2]}`);
  await other.getByRole('grid').waitFor();
  await standsAt(2);
  await page.goto(said);
  await standsAt(many - 2);
  // Moves go on from there; the way back leads to it.
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${world.direct}/nodes/${uuids[many - 3]}`);
  await page.goBack();
  await at(many - 3);
  await standsAt(many - 3);
  // e edits, and x, which nothing could be done with, selects nothing.
  await page.getByRole('grid').focus();
  await page.keyboard.press('x');
  await page.keyboard.press('e');
  await page.waitForURL(`${world.direct}/nodes/${uuids[many - 3]}/settings`);
  await page.goBack();
  await standsAt(many - 3);
  // Elsewhere by now: it is looked for around.
  await v.go(`/?q=zz-&row=100_${uuids[120]}`);
  await standsAt(120);
  await at(120);
  // In the map it is the node that is pointed at.
  await v.go(`/?q=zz-&view=map&row=121_${uuids[120]}`);
  await page.locator('.under').getByText(name(120)).waitFor();
  await page.locator('[role="application"]').focus();
  await page.keyboard.press('ArrowRight');
  await at(121);
  // Another filter has other rows.
  await v.go(`/?q=zz-&row=3_${uuids[2]}`);
  await standsAt(2);
  await page.getByRole('searchbox').fill('zz-1');
  await page.waitForURL(`${world.direct}/?q=zz-1`);
  expect(await current(page).count()).toBe(0);
  // A job's editor.
  await v.go('/jobs?q=list_33');
  await page.locator('[role="grid"][aria-rowcount="2"]').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('e');
  await page.waitForURL(`${world.direct}/nodes/${uuids[13]}/jobs/list_33/config`);
  expect(v.errors).toEqual([]);
  await v.leave();
});

test('events name nodes as people do, deleted ones too', async () => {
  const uuid = uuids[60] as string;
  await call('DELETE', `/nodes/${uuid}`);
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const asked: string[] = [];
  v.page.on('request', (r) => r.url().includes('/api/v1/nodes/map?') && asked.push(r.url()));
  const page = await v.go(`/events?node=${uuid}`);
  const link = page
    .locator('.grid .row')
    .first()
    .getByRole('link', { name: name(60), exact: true });
  await link.waitFor();
  expect(await link.locator('bdi').getAttribute('title')).toBe(`${uuid}, deleted`);
  await page.locator('.chip', { hasText: name(60) }).waitFor();
  expect(asked.length).toBe(2); // those that are there, then those that are gone
  await page.locator('.grid .row').first().click();
  await page
    .locator('.details')
    .getByRole('link', { name: name(60), exact: true })
    .waitFor();
  await v.check('events-deleted-node');
  await call('POST', `/nodes/${uuid}/restore`);
  await v.leave();
});

test('another filter begins at its top, and keeps the rows until it has others', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go('/?q=zz-&sort=-hostname');
  await page
    .locator('[role="row"][aria-rowindex="2"]')
    .getByRole('link', { name: name(many - 1), exact: true })
    .waitFor();
  const grid = page.getByRole('grid');
  await grid.focus();
  await page.keyboard.press('End');
  await current(page)
    .getByRole('link', { name: name(0), exact: true })
    .waitFor();
  await page.keyboard.press('/');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('zz-1');
  await page.locator('[role="grid"][aria-rowcount="101"]').waitFor();
  await page
    .locator('[role="row"][aria-rowindex="2"]')
    .getByRole('link', { name: name(199), exact: true })
    .waitFor();
  expect(await grid.evaluate((element) => element.scrollTop)).toBe(0);
  await v.leave();
});

test('the map has all, and follows what changes', async () => {
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  const page = await v.go('/?view=map&q=zz-');
  await page.getByText(`${many} nodes`, { exact: false }).first().waitFor();
  await page.locator('[role="application"]').focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('.under').getByText(name(0)).waitFor();
  await v.check('map-many');
  await call('DELETE', `/nodes/${uuids[many - 1]}`);
  await page
    .getByText(`${many - 1} nodes`, { exact: false })
    .first()
    .waitFor();
  await call('POST', `/nodes/${uuids[many - 1]}/restore`);
  await page.getByText(`${many} nodes`, { exact: false }).first().waitFor();
  expect(v.errors.filter((e) => !e.includes('404'))).toEqual([]); // it was asked for, and gone
  await v.leave();
});
