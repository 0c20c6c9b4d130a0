import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, Visitor, world } from './browser';

/** What must be shown as text, and never be anything else. */
const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe';
const shown = '<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe';

interface Record {
  id: number;
  name: string;
  remark: string;
  role: string;
  addr: string;
  tel: string;
}
interface List {
  items: Record[];
  total: number;
}

let browser: Browser;

const looks: [string, Look & { base: string }, string][] = [
  ['en-light', { base: world.direct, language: 'en', scheme: 'light' }, 'a'],
  ['zh-dark', { base: world.proxied, language: 'zh-CN', scheme: 'dark' }, 'b'],
];

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

/** The texts of buttons and fields, of both languages. */
const words = {
  a: {
    new: { tags: 'New tag', users: 'New user', tokens: 'New token', joinTokens: 'New join token' },
    name: 'Name',
    remark: 'Remark',
    create: 'Create',
    save: 'Save',
    delete: 'Delete…',
    deleteNow: 'Delete',
    restore: 'Restore',
    revoke: 'Revoke…',
    revokeNow: 'Revoke',
    deleted: 'Deleted',
    revoked: 'Revoked',
    stored: 'I have stored it',
    use: 'Use these',
    mine: 'yours',
    undo: 'Undo…',
    undoIt: 'Undo it',
    role: 'Role',
    password: 'New password',
    setPassword: 'Set the password',
    newContact: 'Add a contact…',
    add: 'Add',
    addr: 'Address',
    tel: 'Telephone',
    edit: 'Edit',
    newToken: 'New token…',
    max: 'For how many nodes',
    close: 'Close',
  },
  b: {
    new: { tags: '新建标签', users: '新建用户', tokens: '新建令牌', joinTokens: '新建加入令牌' },
    name: '名称',
    remark: '备注',
    create: '创建',
    save: '保存',
    delete: '删除…',
    deleteNow: '删除',
    restore: '恢复',
    revoke: '吊销…',
    revokeNow: '吊销',
    deleted: '已删除',
    revoked: '已吊销',
    stored: '我已存好',
    use: '使用所选',
    mine: '您的修改',
    undo: '撤销…',
    undoIt: '撤销',
    role: '角色',
    password: '新密码',
    setPassword: '设置密码',
    newContact: '添加联系方式…',
    add: '添加',
    addr: '地址',
    tel: '电话',
    edit: '编辑',
    newToken: '新建令牌…',
    max: '可供多少节点使用',
    close: '关闭',
  },
};

describe.each(looks)('%s', (look, { base, ...how }, who) => {
  const w = words[who as 'a' | 'b'];
  let v: Visitor;
  let page: Page;
  beforeAll(async () => {
    v = await (await Visitor.arrive(browser, base, how)).login();
    page = v.page;
  });
  afterAll(() => v?.leave());

  const button = (name: string, within: Page | ReturnType<Page['locator']> = page) =>
    within.getByRole('button', { name, exact: true });
  const panel = () => page.locator('.record');
  const dialog = () => page.getByRole('dialog');
  const row = (text: string) => page.locator('.grid .row', { hasText: text });

  test('tags: create, rename, merge two edits, delete, restore, undo', async () => {
    const name = `${hostile}${who}`;
    await v.go('/tags');
    await page.locator('.empty, .grid').first().waitFor();
    await page.keyboard.press('n');
    await page.getByRole('textbox', { name: w.name }).waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT');
    await page.keyboard.type(`a,b`);
    await button(w.create).click();
    await page.locator('.record [role="alert"]').waitFor();
    expect(v.errors.splice(0).join()).toContain('422');
    expect(await page.locator('.record input').first().getAttribute('aria-invalid')).toBe('true');
    await page.getByRole('textbox', { name: w.name }).fill(name);
    await page.getByRole('textbox', { name: w.remark }).fill(hostile);
    await button(w.create).click();
    await panel()
      .getByRole('heading', { name: `${shown}${who}` })
      .waitFor();
    const { items } = await call<List>('GET', `/tags?q=${encodeURIComponent(`gnp.exe${who}`)}`);
    const tag = items[0] as Record;
    expect([tag.name, tag.remark]).toEqual([name, hostile]);
    expect(page.url()).toContain(`id=${tag.id}`);
    await call('PATCH', `/nodes/${world.node}`, { tags: [name] });
    await page.reload();
    await panel().locator('.use').waitFor();
    await panel().locator('.past li').first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await v.check(`${look}-tags`);

    // Two who edit it at once.
    await page.getByRole('textbox', { name: w.remark }).fill('mine');
    await call('PATCH', `/tags/${tag.id}`, { remark: 'theirs', name: `${name}2` });
    await button(w.save).click();
    await dialog().getByText('theirs').waitFor();
    expect(v.errors.splice(0).join()).toContain('412');
    await v.check(`${look}-tags-stale`);
    await button(w.use, dialog()).click();
    await button(w.save).click();
    await page.waitForFunction(() => document.querySelectorAll('.past li').length >= 3);
    const now = await call<Record>('GET', `/tags/${tag.id}`);
    expect([now.name, now.remark]).toEqual([`${name}2`, 'mine']);

    // Undo the last of it.
    await button(w.undo, panel()).first().click();
    await button(w.undoIt, dialog()).click();
    await dialog().waitFor({ state: 'detached' });
    expect((await call<Record>('GET', `/tags/${tag.id}`)).remark).toBe('theirs');

    // Delete by name, and restore.
    await button(w.delete, panel()).click();
    await dialog().getByRole('textbox').waitFor();
    expect(await button(w.deleteNow, dialog()).isDisabled()).toBe(true);
    await dialog().getByRole('textbox').fill(`${shown}${who}2`);
    await dialog().locator('.preview').waitFor();
    await v.check(`${look}-tags-delete`);
    await button(w.deleteNow, dialog()).click();
    await panel().waitFor({ state: 'detached' });
    await page.getByText(w.deleted, { exact: true }).first().click();
    await row(`${who}2`).click();
    await button(w.restore, panel()).click();
    await panel().waitFor({ state: 'detached' });
    expect((await call<Record>('GET', `/tags/${tag.id}`)).name).toBe(`${name}2`);
    await call('PATCH', `/nodes/${world.node}`, { tags: [] });
  });
});
