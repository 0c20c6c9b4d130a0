import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Look, launch, textsOf, Visitor, world } from './browser';

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
    userName: 'Name',
    span: 'How far back',
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
    over: 'Used up or expired',
    noPassword: 'no password yet',
    stored: 'I have stored it',
    use: 'Use these',
    cancel: 'Cancel',
    mine: 'yours',
    undo: 'Undo…',
    undoIt: 'Undo it',
    cannot: 'This cannot be undone any more',
    tag: 'tag',
    targetsOf: (job: string) => `targets of job ${job}`,
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
    userName: '用户名',
    span: '时间范围',
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
    over: '已用完或过期',
    noPassword: '尚无密码',
    stored: '我已存好',
    use: '使用所选',
    cancel: '取消',
    mine: '您的修改',
    undo: '撤销…',
    undoIt: '撤销',
    cannot: '已无法撤销',
    tag: '标签',
    targetsOf: (job: string) => `作业 ${job} 的目标`,
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
    expect(await page.locator('.record .failure').count()).toBe(0); // it is told once
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
    await button(w.cancel, dialog()).click();
    await dialog().waitFor({ state: 'detached' });
    await button(w.save).click();
    await dialog().getByText('theirs').waitFor();
    expect(v.errors.splice(0).join()).toContain('412');
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
    await page.waitForFunction(
      () => document.querySelector<HTMLTextAreaElement>('.record textarea')?.value === 'theirs',
    );
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

  test('users: create, password, contacts, tokens, role, delete, restore', async () => {
    const name = `${hostile}${who}`;
    await v.go('/users?new=true');
    await page.getByRole('textbox', { name: w.userName }).fill(name);
    await page.getByLabel(w.role).selectOption('editor');
    await button(w.create).click();
    await panel()
      .getByRole('heading', { name: `${shown}${who}` })
      .waitFor();
    const user = (await call<List>('GET', `/users?q=${encodeURIComponent(`gnp.exe${who}`)}`)).items[0] as Record;
    expect([user.name, user.role]).toEqual([name, 'editor']);

    // A password, by which the user logs in.
    await row(`exe${who}`).getByText(w.noPassword).waitFor();
    await panel().getByLabel(w.password).fill('short');
    await button(w.setPassword).click();
    await panel().locator('[role="alert"]').waitFor();
    expect(v.errors.splice(0).join()).toContain('422');
    await panel().getByLabel(w.password).fill('long enough for it');
    await button(w.setPassword).click();
    await page.waitForFunction(() => !document.querySelector<HTMLInputElement>('.record input[type=password]')?.value);
    await call('POST', '/session', { name, password: 'long enough for it' });
    await row(`exe${who}`).getByText(w.noPassword).waitFor({ state: 'detached' });

    // Contacts.
    await button(w.newContact, panel()).click();
    await panel().getByLabel(w.addr).fill(hostile);
    await panel().getByLabel(w.tel).fill('+86 10 1234');
    await button(w.add, panel()).click();
    await panel().locator('.mini').getByText(shown).waitFor();
    await button(w.edit, panel()).click();
    const path = `/users/${user.id}/contacts`;
    const contact = (await call<List>('GET', path)).items[0] as Record;
    expect([contact.addr, contact.tel]).toEqual([hostile, '+86 10 1234']);
    const inset = panel().locator('.inset');
    await inset.getByLabel(w.tel).fill('+49 30 99');
    await button(w.save, inset).click();
    await panel().locator('.mini').getByText('+49 30 99').waitFor();
    await button(w.deleteNow, panel()).click();
    await button(w.restore, panel()).click();
    await panel().locator('.mini').getByText('+49 30 99').waitFor();
    expect((await call<List>('GET', path)).total).toBe(1);

    // A token of the user's, shown once.
    await button(w.newToken, panel()).click();
    await panel().locator('.inset').getByLabel(w.name).fill(hostile);
    await button(w.create, panel()).click();
    await dialog().locator('.secret').waitFor();
    const secret = (await dialog().locator('.secret').textContent()) ?? '';
    await call('GET', '/nodes', undefined, secret);
    await page.keyboard.press('Escape');
    await button(w.stored, dialog()).click();
    await dialog().waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(secret);
    await v.check(`${look}-users`);

    // Of a lower role: the token above it ends.
    await panel().getByLabel(w.role).first().selectOption('viewer');
    await button(w.save, panel()).click();
    await page.waitForFunction(() => document.querySelectorAll('.past li').length >= 3);
    expect((await call<Record>('GET', `/users/${user.id}`)).role).toBe('viewer');

    await button(w.delete, panel()).click();
    await dialog().getByRole('textbox').fill(`${shown}${who}`);
    await v.picture(`${look}-users-delete`);
    await page.keyboard.press('Enter');
    await panel().waitFor({ state: 'detached' });
    await v.go(`/users?deleted=true&id=${user.id}`);
    await button(w.restore, panel()).click();
    await panel().waitFor({ state: 'detached' });
    expect((await call<Record>('GET', `/users/${user.id}`)).name).toBe(name);
    expect(await page.locator('main img').count()).toBe(0);
  });

  test('tokens and join tokens: create, shown once, revoke', async () => {
    for (const [path, kind] of [
      ['/tokens', 'tokens'],
      ['/join-tokens', 'joinTokens'],
    ] as const) {
      await v.go(path);
      await button(w.new[kind]).click();
      const name = `${hostile}${who}`;
      await panel().getByLabel(w.name).fill(name);
      if (kind === 'joinTokens') await panel().getByLabel(w.max).fill('3');
      else await panel().getByLabel(w.role).selectOption('sd');
      await button(w.create, panel()).click();
      await dialog().locator('.secret').waitFor();
      const secret = (await dialog().locator('.secret').textContent()) ?? '';
      expect(secret).toMatch(/^pf[a-z]_/);
      if (kind === 'tokens') await v.check(`${look}-tokens-secret`); // of both kinds it is one dialog
      await button(w.stored, dialog()).click();
      await panel().locator('.facts').waitFor();
      expect(await page.content()).not.toContain(secret);
      await v.check(`${look}-${path.slice(1)}`);
      await button(w.revoke, panel()).click();
      await dialog().getByRole('textbox').fill(`${shown}${who}`);
      await button(w.revokeNow, dialog()).click();
      await panel().waitFor({ state: 'detached' });
      await page.getByText(w.revoked, { exact: true }).first().click();
      await row(`${who}`).first().waitFor();
      expect((await call<List>('GET', `${path}?q=${encodeURIComponent(`exe${who}`)}`)).total).toBe(0);
      if (kind !== 'joinTokens') continue;
      // One that is used up serves no more, and does not stand among those that do.
      const worn = await call<Record & { secret: string }>('POST', path, { name: `worn-${who}` });
      const { id } = worn;
      const node = { protocol: 1, uuid: randomUUID(), hostname: `worn-${who}`, addr: 'http://127.0.0.1:9/' };
      await call('POST', '/agent/register', node, worn.secret);
      await v.go(`${path}?q=worn-${who}`);
      await page.locator('main .empty').waitFor();
      await page.getByText(w.over, { exact: true }).click();
      await row(`worn-${who}`).click();
      await page.waitForURL(new RegExp(`over=true.*id=${id}|id=${id}.*over=true`));
      await v.check(`${look}-join-tokens-over`);
    }
  });

  test('many at once: users deleted and restored, tokens and join tokens revoked', async () => {
    const t = textsOf(how);
    const many = async (what: string, count: number, action: string, named = true) => {
      for (const at of Array(count).keys()) await row(`many-${who}-`).nth(at).locator('.ticks').click();
      await button(t(`record.${what}Many`, { count })).click();
      if (named) await dialog().getByRole('textbox').fill(String(count));
      if (what === 'delete') await v.check(`${look}-many`); // they are one dialog
      await button(t(`record.${action}`), dialog()).click();
      await dialog().waitFor({ state: 'detached' });
    };
    for (const [path, body] of [
      ['/users', { role: 'viewer' }],
      ['/tokens', { role: 'sd' }],
      ['/join-tokens', {}],
    ] as const) {
      for (const i of [1, 2]) await call('POST', path, { ...body, name: `many-${who}-${i}` });
      const left = async () => (await call<List>('GET', `${path}?q=many-${who}`)).total;
      await v.go(`${path}?q=many-${who}`);
      if (path === '/users') {
        await many('delete', 2, 'deleteNow');
        expect(await left()).toBe(0);
        await v.go(`${path}?q=many-${who}&deleted=true`);
        await many('restore', 2, 'restore', false);
        expect(await left()).toBe(2);
      } else {
        await many('revoke', 2, 'revokeNow');
        expect(await left()).toBe(0);
      }
    }
    expect(v.errors).toEqual([]);
  });

  test('account: own contacts and tokens', async () => {
    const page = await v.go('/account');
    await button(w.newContact).click();
    await page.getByLabel(w.addr).fill(`me@example.com${who}`);
    await button(w.add).click();
    await page.locator('.mini').getByText(`me@example.com${who}`).waitFor();
    await button(w.newToken).click();
    await page.locator('.inset').getByLabel(w.name).fill(`laptop${who}`);
    await button(w.create).click();
    await button(w.stored, dialog()).click();
    await page.locator('.mini').getByText(`laptop${who}`).waitFor();
    await v.check(`${look}-account`);
    await page
      .locator('.mini li', { hasText: `laptop${who}` })
      .getByRole('button')
      .click();
    await dialog().getByRole('textbox').fill(`laptop${who}`);
    await page.keyboard.press('Enter');
    await page.locator('.mini').getByText(`laptop${who}`).waitFor({ state: 'detached' });
  });

  test('events: filters, difference, undo, print', async () => {
    const tag = await call<Record>('POST', '/tags', { name: `e${who}`, remark: 'one' });
    await call('PATCH', `/tags/${tag.id}`, { remark: 'two' });
    await v.go(`/events?object=tag/${tag.id}`);
    await row('e').nth(1).waitFor();
    await page.locator('.chip').getByText(`${w.tag} e${who} (${tag.id})`).waitFor();
    expect(await page.locator('.grid .row').count()).toBe(2);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.locator('.details [data-line="added"]', { hasText: 'remark: two' }).waitFor();
    await page.locator('.details [data-line="removed"]', { hasText: 'remark: one' }).waitFor();
    expect(await page.locator('.details').textContent()).not.toContain('updated_at');
    const subject = page.locator('.details').getByRole('link', { name: `${w.tag} e${who} (${tag.id})` });
    expect(await subject.getAttribute('href')).toMatch(new RegExp(`/tags\\?id=${tag.id}$`));
    await v.check(`${look}-events-open`);
    await button(w.undo).click();
    await dialog().locator('.preview').waitFor();
    await v.check(`${look}-events-undo`);
    await button(w.undoIt, dialog()).click();
    await page.waitForFunction(() => document.querySelectorAll('.grid .row').length === 3);
    expect((await call<Record>('GET', `/tags/${tag.id}`)).remark).toBe('one');
    // The first of them cannot be undone any more: why is said in place of the button.
    await row('e').nth(2).click();
    const refusal = page.locator('.details [role="note"]');
    await refusal.getByText(/undo that first/).waitFor();
    expect(await refusal.textContent()).toContain(w.cannot);
    expect(await button(w.undo).count()).toBe(0);
    expect(v.errors.splice(0).join()).toContain('409');
    await v.check(`${look}-events-past`);
    await page.getByLabel(w.span).selectOption('hour');
    await page.waitForURL(/since=/);
    await row('e').nth(2).waitFor();
    await page.emulateMedia({ media: 'print' });
    await page.locator('.printed tbody tr').nth(2).waitFor();
    await page.emulateMedia({ media: null });
    await page.locator('.printed').waitFor({ state: 'detached' });

    // The targets of a job are written as one: whose they are is read, as the event does not say it.
    const job = await call<Record>('POST', '/jobs', { node: world.node, key: `set_${who}`, scrape_config: {} });
    await call('PUT', `/jobs/${job.id}/targets`, [{ addr: '192.0.2.1:1' }]);
    await v.go(`/events?object=job/${job.id}/targets`);
    await row(w.targetsOf(`set_${who} (${job.id})`)).click();
    await page
      .locator('.details')
      .getByRole('link', { name: w.targetsOf(`set_${who} (${job.id})`) })
      .click();
    await page.waitForURL(new RegExp(`/nodes/${world.node}/jobs/set_${who}$`));
    expect(v.errors).toEqual([]);
  });
});

describe('who may not', () => {
  test('a viewer reads tags and makes own tokens; users and tokens are of admins', async () => {
    const { id } = await call<Record>('POST', '/users', { name: 'vera', role: 'viewer' });
    await call('PUT', `/users/${id}/password`, { password: 'only looks around' });
    const tag = await call<Record>('POST', '/tags', { name: 'seen' });
    const v = await (await Visitor.arrive(browser, world.direct)).login('vera', 'only looks around');
    const page = await v.go(`/tags?id=${tag.id}`);
    await page.locator('.record .use').waitFor();
    expect(
      await page
        .locator('main')
        .getByRole('button', { name: /New|Save|Delete|Undo/ })
        .count(),
    ).toBe(0);
    await page.getByText('this is read-only').waitFor();
    await v.check('viewer-tags');
    for (const path of ['/users', '/tokens', '/join-tokens']) {
      await v.go(path);
      await page.getByText('Only admins see this').waitFor();
    }
    await v.go('/account');
    await page.getByRole('button', { name: 'New token…' }).click();
    expect(await page.getByLabel('Role').locator('option').allTextContents()).toEqual(['viewer']);
    await page.getByRole('button', { name: 'Add a contact…' }).waitFor();
    expect(v.errors).toEqual([]);
    await v.leave();
  });
});
