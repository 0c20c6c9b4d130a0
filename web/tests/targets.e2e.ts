import { readFileSync } from 'node:fs';
import type { Browser, Locator, Page, Response, Route } from 'playwright-core';
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
let prometheus = '';
const up = new URL(world.direct).host;

const first: Omit<Target, 'id'>[] = [
  { addr: up, name: 'plane', remark: '=1+1', labels: { env: 'prod' }, tags: ['edge'] },
  { addr: '127.0.0.1:1', name: 'gone', remark: '', labels: { env: 'test' }, tags: ['edge', '北京'] },
  { addr: '127.0.0.1:2', name: hostile, remark: hostile, labels: { note: hostile }, tags: [hostile.slice(0, 28)] },
];

/** Each look has a job of its own, so that what one writes the other does not find. */
const looks: [string, string, Look & { base: string }][] = [
  ['en-light', 'shop_en', { base: world.direct, language: 'en', scheme: 'light' }],
  ['zh-dark', 'shop_zh', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }],
];
const jobs = new Map<string, number>();

beforeAll(async () => {
  browser = await launch();
  for (const [, key] of looks) {
    const { id } = await call<{ id: number }>('POST', '/jobs', {
      node: world.node,
      key,
      scrape_config: { scrape_interval: '1s' },
    });
    jobs.set(key, id);
    await call('PUT', `/jobs/${id}/targets`, first);
  }
  await waitFor('the health of all is known', async () => {
    const all = await Promise.all(
      [...jobs.values()].map((id) => call<{ items: Target[] }>('GET', `/targets?job=${id}`)),
    );
    const ids = all.flatMap(({ items }) => items.map((t) => t.id));
    const { items } = await call<{ items: { state: string }[] }>('POST', '/targets/health', { ids });
    return items.filter((h) => h.state === 'up').length === 2 && items.filter((h) => h.state === 'down').length === 4;
  });
  prometheus = (await call<{ addr: string }>('GET', `/nodes/${world.node}`)).addr.replace(/\/$/, '');
});
afterAll(() => browser?.close());

const row = (page: Page, text: string) => page.locator('[role="row"]', { hasText: text });
const paste = (page: Page, text: string) =>
  page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);

describe.each(looks)('%s', (name, key, { base, ...look }) => {
  let v: Visitor;
  let page: Page;
  const path = `/nodes/${world.node}/jobs/${key}`;
  const say = (en: string, zh: string) => (look.language === 'en' ? en : zh);
  const button = (en: string, zh: string, within: Page | Locator = page) =>
    within.getByRole('button', { name: say(en, zh), exact: true });
  const dialog = () => page.getByRole('dialog');
  const field = (f: string) => page.locator(`.cell-input[data-field="${f}"]`);
  const effect = (state: string) => page.locator(`.previewline[data-state="${state}"]`);
  const loaded = () => page.locator('.follow .ministrip > span:last-child[data-mark="done"]').waitFor();
  /** Forgets what the browser itself says of an answer that was to be one. */
  const answered = (status: number) => {
    const others = v.errors.splice(0).filter((e) => !e.includes(`status of ${status}`));
    expect(others).toEqual([]);
  };

  const targets = async (query = '') =>
    (await call<{ items: Target[] }>('GET', `/targets?job=${jobs.get(key)}&limit=1000${query}`)).items;

  /** The labels that the real Prometheus has of a target, before relabelling. */
  const atPrometheus = async (addr: string): Promise<Record<string, string> | undefined> => {
    const answer = await fetch(`${prometheus}/api/v1/targets?state=active&scrapePool=${key}`);
    const { data } = (await answer.json()) as {
      data: { activeTargets: { discoveredLabels: Record<string, string> }[] };
    };
    return data.activeTargets.find((t) => t.discoveredLabels.__address__ === addr)?.discoveredLabels;
  };

  beforeAll(async () => {
    v = await (await Visitor.arrive(browser, base, look)).login();
    page = v.page;
  });
  afterAll(() => v?.leave());

  test('every view', async () => {
    await v.go('/targets?q=127.0.0.1&sort=addr');
    await row(page, up).locator('[data-health="up"]').first().waitFor(); // other tests have targets too
    const gone = row(page, key).filter({ hasText: '127.0.0.1:1' }).filter({ hasText: 'gone' });
    await gone.locator('[data-health="down"]').waitFor();
    await gone.getByText('connection refused').waitFor();
    await page.getByText(shown, { exact: true }).first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await v.check(`${name}-targets`);
    await gone.locator('input[type="checkbox"]').click();
    await page.locator('.toolbar .chosen button').first().click();
    await dialog().waitFor();
    await v.check(`${name}-targets-bulk`);
    // A dialog is in the address, with what it is about.
    await page.reload();
    await dialog().getByText(say('Edit 1 selected target', '编辑所选的 1 个目标')).waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await paste(
      page,
      '地址\t名称\t标签\t备注\t机房\n10.1.0.1:9100\tweb-1\t线上\t\tA\n10.1.0.2 9100\tweb-2\t线上\tx\tB\n',
    );
    await page.locator('.sheet tr[data-bad]').waitFor();
    // What is to be corrected has the focus, and says all that is wrong.
    expect(await page.locator('.cell-input:focus').inputValue()).toBe('10.1.0.2 9100');
    const wrong = page.locator('.sheet tr[data-bad] .wrong');
    expect(await wrong.evaluate((e) => e.scrollWidth <= e.clientWidth)).toBe(true);
    await dialog().getByText(say('Not taken: 机房', '未使用：机房')).waitFor();
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
  });

  test('a target is edited where it stands, by keys alone: seen first, then followed until Prometheus has it', async () => {
    await v.go(`${path}?q=gone`);
    await row(page, '127.0.0.1:1').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('e');
    const addr = field('addr');
    await expect.poll(() => addr.evaluate((e) => e === document.activeElement)).toBe(true);
    await effect('none').waitFor();
    // What is wrong is marked while one types, and what would happen is said.
    await page.keyboard.press('Control+a');
    await page.keyboard.type('127.0.0.1:99999');
    await page
      .locator('.editbar')
      .getByText(say('not a number from 0 to 65535', '不是 0 到 65535 之间的数字'))
      .waitFor();
    await effect('bad').waitFor();
    expect(await addr.getAttribute('aria-invalid')).toBe('true');
    await v.check(`${name}-targets-edit-refused`);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('127.0.0.1:3');
    await effect('good').getByText(say('+1 target', '+1 个目标')).waitFor();
    await effect('good').getByText(say('−1 target', '−1 个目标')).waitFor();
    expect(await addr.getAttribute('aria-invalid')).toBe(null);
    await page.keyboard.press('Alt+Enter');
    await page.locator('.previewline [data-line="added"]', { hasText: '127.0.0.1:3' }).waitFor();
    expect(await addr.evaluate((e) => e === document.activeElement)).toBe(true);
    await v.check(`${name}-targets-edit-effect`);
    await page.keyboard.press('Alt+Enter');
    await page.locator('.previewline .preview').waitFor({ state: 'detached' });
    // What is not saved is not lost by a click.
    page.once('dialog', (asked) => void asked.dismiss());
    await page.locator('.tabs a').nth(1).click();
    await addr.click();
    const labels = field('labels');
    for (let i = 0; i < 5 && !(await labels.evaluate((e) => e === document.activeElement)); i++) {
      await page.keyboard.press('Tab');
    }
    // Saved at once, it is looked at first all the same.
    const order: string[] = [];
    const note = (answer: Response) => {
      if (answer.request().method() === 'PATCH') order.push(answer.url().includes('dry_run=true') ? 'seen' : 'saved');
    };
    page.on('response', note);
    // Until it was seen that it says so, what it does is not answered.
    const held: Route[] = [];
    await page.route('**/api/v1/targets/*?dry_run=true', (route) => void held.push(route));
    await page.keyboard.press('End');
    await page.keyboard.type(' zone="b 1"');
    await page.keyboard.press('Enter');
    await page.locator('.editbar').getByText(say('Checking what it does', '正在检查其影响')).waitFor();
    await expect.poll(() => held.length).toBe(1);
    await held[0]?.continue();
    await page.unrouteAll();
    await loaded();
    page.off('response', note);
    expect(order).toEqual(['seen', 'saved']);
    expect(await atPrometheus('127.0.0.1:3')).toMatchObject({ zone: 'b 1', env: 'test' });
    await v.check(`${name}-targets-edited`);
    // Escape leaves all as it was; Enter on a row asks why.
    await page.keyboard.press('e');
    await addr.waitFor();
    await page.keyboard.type('x');
    await page.keyboard.press('Escape');
    await addr.waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.waitForURL(/target=\d+&show=explain/);
    await dialog().waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    // A new one, begun by a key.
    await page.keyboard.press('n');
    await page.keyboard.type('127.0.0.1:4');
    await effect('good').getByText(say('+1 target', '+1 个目标')).waitFor();
    await v.check(`${name}-targets-new`);
    await page.keyboard.press('Enter');
    await waitFor('the target is made', async () => (await targets('&addr=127.0.0.1:4')).length === 1);
    await page.keyboard.press('Escape');
    await page.locator('.newrow').waitFor({ state: 'detached' });
    expect(v.errors).toEqual([]);
  });

  test('the server refuses, and says at which field, before it is saved and after', async () => {
    await v.go(`${path}?addr=127.0.0.1:4`);
    await row(page, '127.0.0.1:4').locator('.health').dblclick();
    await field('addr').fill('127.0.0.1:3');
    await field('name').fill('gone');
    await page.locator('.cell-input[data-field="addr"][aria-invalid]').waitFor();
    await effect('bad').waitFor();
    await page.locator('.editbar .error').getByText('already').waitFor();
    answered(409);
    await field('name').press('Enter');
    await expect.poll(() => v.errors.join()).toContain('409');
    await page.locator('.cell-input[data-field="addr"][aria-invalid]').waitFor();
    answered(409);
    // What is begun beside it asks first.
    page.once('dialog', (asked) => void asked.dismiss());
    await button('New target', '新建目标').click();
    expect(await field('name').inputValue()).toBe('gone');
    // As it was, nothing is wrong with it.
    await field('addr').fill('127.0.0.1:4');
    await field('name').fill('');
    await effect('none').waitFor();
    await page.locator('.cell-input[aria-invalid]').waitFor({ state: 'detached' });
    await page.locator('.editbar .error').waitFor({ state: 'detached' });
    await field('name').press('Escape');
  });

  test('a stale edit shows both versions, field by field', async () => {
    await v.go(`${path}?q=plane`);
    await row(page, 'plane').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('e');
    await field('name').fill('mine');
    const [plane] = await targets('&q=plane');
    await call('PATCH', `/targets/${plane?.id}`, { name: 'theirs', labels: { rack: '7' } });
    await page.keyboard.press('Enter');
    await dialog().getByText('theirs').waitFor();
    answered(412);
    await v.check(`${name}-targets-stale`);
    // Closed, nothing is decided: the row is as it was typed, and the next save asks again.
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await field('name').inputValue()).toBe('mine');
    await field('name').press('Enter');
    await dialog().getByText('theirs').waitFor();
    answered(412);
    expect((await targets('&q=theirs'))[0]?.labels.rack).toBe('7');
    await button('Save this', '保存所选', dialog()).click();
    await dialog().waitFor({ state: 'detached' });
    await waitFor('both are saved', async () => {
      const [t] = await targets('&q=mine');
      return t?.labels.rack === '7' && t.name === 'mine';
    });
    // What was done last is undone where its history is.
    await v.go(`${path}?target=${plane?.id}&show=history`);
    await button('Undo…', '撤销…').click();
    await button('Undo it', '撤销').click();
    await waitFor('it is undone', async () => (await targets('&q=theirs')).length === 1);
    await call('PATCH', `/targets/${plane?.id}`, { name: 'plane', labels: { rack: null } });
  });

  test('what is pasted is corrected, seen, and written', async () => {
    await v.go(`${path}/history`);
    await page.locator('.tabs a').first().click();
    await row(page, 'plane').waitFor();
    await paste(
      page,
      `地址,名称,备注,label:env\n127.0.0.1:11,p1,"说, 明",prod\n127.0.0.1:x,p2,,prod\n127.0.0.1:13,p3,,\n`,
    );
    await dialog().getByText(say('2 rows are good', '2 行正确')).waitFor();
    await dialog().getByText(say('x is not a number', 'x 不是')).waitFor();
    const preview = button('Preview the change', '预览变更', dialog());
    expect(await preview.isDisabled()).toBe(true);
    await dialog().locator('tr[data-bad] .cell-input').first().fill('127.0.0.1:12');
    await dialog().getByText(say('3 rows are good', '3 行正确')).waitFor();
    // What was corrected is not lost by going back.
    const asked = page.waitForEvent('dialog');
    await page.evaluate(() => window.history.back());
    await (await asked).dismiss();
    await preview.click();
    await dialog().getByText(say('+3 targets', '+3 个目标')).waitFor();
    await v.check(`${name}-targets-paste-preview`);
    await button('Write 3 targets', '写入 3 个目标', dialog()).click();
    await dialog().getByText(say('3 new', '新建 3 个')).waitFor();
    await button('Close', '关闭', dialog()).last().click();
    await page.locator('.tabs a:focus').waitFor(); // as before
    await loaded();
    const made = (await targets('&q=127.0.0.1:1')).filter((t) => t.name.startsWith('p'));
    expect(made.map((t) => [t.addr, t.remark, t.labels])).toEqual([
      ['127.0.0.1:11', '说, 明', { env: 'prod' }],
      ['127.0.0.1:12', '', { env: 'prod' }],
      ['127.0.0.1:13', '', {}],
    ]);
    // What only the server can know is marked in the row too.
    await paste(page, `addr,name,env\n127.0.0.1:11,another,prod\n`);
    await preview.and(page.locator(':focus')).waitFor(); // nothing is to be corrected
    await page.keyboard.press('Enter');
    await dialog().locator('tr[data-bad]').getByText('the same as those of another target').waitFor();
    answered(409);
    // Back closes it, once that is wanted; forward it is empty.
    page.once('dialog', (asked) => void asked.accept());
    await page.goBack();
    await dialog().waitFor({ state: 'detached' });
    await page.goForward();
    await dialog().getByRole('textbox').last().waitFor();
    expect(await dialog().locator('tr').count()).toBe(0);
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  test('all that a filter selects is edited, once one has seen what that does', async () => {
    await v.go(`${path}?q=127.0.0.1:1`);
    await row(page, 'p1').waitFor();
    const n = await page.locator('.toolbar [role="status"]').textContent();
    const count = Number(/\d+/.exec(n ?? '')?.[0]);
    await button(`Edit all ${count}`, `编辑全部 ${count} 个`).click();
    await dialog().waitFor();
    const said = page.url();
    expect(said).toContain('dialog=bulk');
    await page.goBack();
    await dialog().waitFor({ state: 'detached' });
    await page.goto(said);
    await dialog().getByLabel(say('Set labels', '设置 label')).fill('zone="c"');
    // Tags that there are already are offered, to the keyboard too.
    const add = dialog().getByLabel(say('Add tags', '添加标签'));
    await add.fill('ed');
    const offered = page.getByRole('option', { name: 'edge' });
    await offered.waitFor();
    await page.keyboard.press('ArrowDown');
    expect(await add.getAttribute('aria-activedescendant')).toBe(await offered.getAttribute('id'));
    await page.keyboard.press('Enter');
    await dialog().locator('.mantine-Pill-label', { hasText: 'edge' }).waitFor();
    await page.keyboard.press('Backspace');
    await add.fill('线上');
    await page.keyboard.press('Enter');
    await button('Preview the change', '预览变更', dialog()).click();
    await dialog()
      .getByText(say(`${count} targets changed`, `${count} 个目标变化`))
      .waitFor();
    await v.check(`${name}-targets-bulk-preview`);
    // On a small screen, what does it is in sight all the same.
    const sure = button(`Change ${count} targets`, `修改 ${count} 个目标`, dialog());
    await page.setViewportSize({ width: 1280, height: 720 });
    const box = await sure.boundingBox();
    expect((box?.y ?? 720) + (box?.height ?? 0)).toBeLessThanOrEqual(720);
    await v.picture(`${name}-targets-bulk-small`);
    await page.setViewportSize({ width: 1440, height: 860 });
    await sure.click();
    await dialog().waitFor({ state: 'detached' });
    await loaded();
    const changed = await targets('&tag=线上');
    expect(changed.length).toBe(count);
    expect(changed.every((t) => t.labels.zone === 'c')).toBe(true);
    expect(await atPrometheus('127.0.0.1:12')).toMatchObject({ zone: 'c' });
  });

  test('CSV out and in again changes nothing, and no spreadsheet executes it', async () => {
    await v.go(path);
    await row(page, 'plane').waitFor();
    const before = await targets();
    const [file] = await Promise.all([page.waitForEvent('download'), button('Export CSV', '导出 CSV').click()]);
    const saved = await file.path();
    const csv = readFileSync(saved, 'utf8');
    expect(csv).toContain("'=1+1");
    expect(csv).not.toMatch(/(^|[,;\n"])=1\+1/);
    await dialog()
      .getByText(say(`has ${before.length} targets`, `中有 ${before.length} 个目标`))
      .waitFor();
    await v.check(`${name}-targets-export`);
    // The address opens it again, and saves no file by itself.
    const downloads: unknown[] = [];
    page.on('download', (download) => downloads.push(download));
    await page.reload();
    await button('Save the file', '保存文件', dialog()).waitFor();
    expect(downloads).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await button('Paste or import', '粘贴或导入').click();
    await dialog()
      .locator('input[type="file"]')
      .or(page.locator('input[type="file"]'))
      .first()
      .setInputFiles({
        name: 'targets.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(csv),
      });
    await dialog()
      .getByText(say(`${before.length} rows are good`, `${before.length} 行正确`))
      .waitFor();
    await button('Preview the change', '预览变更', dialog()).click();
    await dialog().getByText(say('No file changes', '没有文件变化')).waitFor();
    await button(`Write ${before.length} targets`, `写入 ${before.length} 个目标`, dialog()).click();
    await dialog()
      .getByText(say(`${before.length} as they were`, `${before.length} 个保持原样`))
      .waitFor();
    expect(await targets()).toEqual(before);
  });

  test('what is deleted stops being scraped, and comes back', async () => {
    await v.go(`${path}?q=127.0.0.1:1&sort=addr`);
    await row(page, 'p1').locator('input[type="checkbox"]').click();
    await row(page, 'p2').locator('input[type="checkbox"]').click();
    const chosen = page.locator('.chosen');
    await chosen.getByText(say('2 selected', '已选 2 个')).waitFor();
    await button('Delete', '删除', chosen).click();
    await dialog().getByText('127.0.0.1:12').first().waitFor();
    const go = button('Delete 2 targets', '删除 2 个目标', dialog());
    expect(await go.isDisabled()).toBe(true);
    await dialog().getByRole('textbox').fill(say('2 targets', '2 个目标'));
    await v.check(`${name}-targets-delete`);
    await go.click();
    await dialog().waitFor({ state: 'detached' });
    await page.locator('[role="grid"]:focus').waitFor(); // what opened it is gone
    await waitFor('Prometheus has let it go', async () => (await atPrometheus('127.0.0.1:12')) === undefined);
    await button('Undo', '撤销').click();
    await waitFor('Prometheus has it again', async () => (await atPrometheus('127.0.0.1:12')) !== undefined);
    await row(page, 'p2').waitFor();
    // One that was deleted before is found among those, and seen before it comes back.
    const [p3] = await targets('&addr=127.0.0.1:13');
    await call('DELETE', `/targets/${p3?.id}`);
    await v.go(`${path}?deleted=true`);
    await row(page, 'p3').locator('input[type="checkbox"]').click();
    await button('Restore', '恢复', chosen).click();
    await dialog().getByText(say('+1 target', '+1 个目标')).waitFor();
    await v.check(`${name}-targets-restore`);
    await button('Restore', '恢复', dialog()).click();
    await row(page, 'p3').waitFor({ state: 'detached' });
    await loaded();
    expect(await atPrometheus('127.0.0.1:13')).toMatchObject({ zone: 'c' });
    expect(v.errors).toEqual([]);
  });
});

test('a large edit and a large deletion that fail half way say how far they got, and are taken back', async () => {
  const { id } = await call<{ id: number }>('POST', '/jobs', {
    node: world.node,
    key: 'shop_large',
    scrape_config: { scrape_interval: '1h' },
  });
  const many = Array.from({ length: 502 }, (_, i) => ({ addr: `127.0.0.1:${1000 + i}` }));
  await call('PUT', `/jobs/${id}/targets`, many);
  const left = async () => (await call<{ total: number }>('GET', `/targets?job=${id}&limit=1`)).total;
  const v = await (await Visitor.arrive(browser, world.direct)).login();
  // An address that names no target does not mean all of them.
  const page = await v.go(`/nodes/${world.node}/jobs/shop_large?dialog=bulk&ids=x`);
  await row(page, '127.0.0.1:1000').waitFor();
  expect(await page.getByRole('dialog').count()).toBe(0);
  await v.go(`/nodes/${world.node}/jobs/shop_large`);
  await row(page, '127.0.0.1:1000').waitFor();

  // An answer that comes when another row is edited is none of that.
  const named = page.locator('.cell-input[data-field="name"]');
  const held: Route[] = [];
  await page.route(/\/targets\/\d+$/, (route) =>
    route.request().method() === 'PATCH' ? void held.push(route) : route.continue(),
  );
  await row(page, '127.0.0.1:1000').locator('.health').dblclick();
  await named.fill('late');
  await named.press('Enter');
  await expect.poll(() => held.length).toBe(1);
  await named.press('Escape');
  await row(page, '127.0.0.1:1001').locator('.health').dblclick();
  await named.fill('mine');
  await held[0]?.continue();
  await row(page, '127.0.0.1:1000').getByText('late').waitFor();
  expect(await named.inputValue()).toBe('mine');
  await named.press('Escape');
  await named.waitFor({ state: 'detached' });
  await page.unrouteAll();

  const select = async () => {
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+End');
    await page.locator('.chosen').getByText('502 selected').waitFor();
  };
  /** Of what is written from now on, the second part is refused. */
  const failing = async () => {
    let parts = 0;
    await page.route('**/api/v1/targets?*', (route) =>
      route.request().method() !== 'PATCH' || parts++ === 0
        ? route.continue()
        : route.fulfill({
            status: 503,
            contentType: 'application/problem+json',
            body: JSON.stringify({ status: 503, title: 'Service Unavailable', detail: 'the database is busy' }),
          }),
    );
  };
  const partly = async () => {
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('alert').getByText('500 of 502 targets are done').waitFor();
    await page.getByRole('alert').getByText('the database is busy').waitFor();
    expect(v.errors.splice(0).join()).toContain('503');
    await page.unrouteAll();
  };
  const dialog = page.getByRole('dialog');
  const remarked = async () => (await call<{ total: number }>('GET', `/targets?job=${id}&q=busy&limit=1`)).total;

  await select();
  await page.locator('.chosen').getByRole('button', { name: 'Edit' }).click();
  await dialog.getByText('Edit 502 selected targets').waitFor();
  expect(page.url()).not.toContain('dialog='); // so many stay out of the address
  await dialog.getByRole('checkbox').click();
  await dialog.getByRole('textbox', { name: 'Remark' }).fill('busy');
  await dialog.getByRole('button', { name: 'Preview the change' }).click();
  await dialog.locator('.preview').waitFor();
  await failing();
  await dialog.getByRole('button', { name: 'Change 502 targets' }).click();
  await partly();
  expect(await remarked()).toBe(500);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Undone.').waitFor();
  await page.locator('.failure').waitFor({ state: 'detached' });
  expect(await remarked()).toBe(0);

  await select();
  await page.locator('.chosen').getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('textbox').fill('502 targets');
  await dialog.locator('.preview').waitFor();
  await failing();
  await dialog.getByRole('button', { name: 'Delete 502 targets' }).click();
  await partly();
  await page.locator('.toolbar').getByText('2 targets', { exact: true }).waitFor();
  expect(await left()).toBe(2);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('.toolbar').getByText('502 targets', { exact: true }).waitFor();
  expect(await left()).toBe(502);
  expect(v.errors).toEqual([]);
  await v.leave();
});
