import { beforeEach, expect, test, vi } from 'vitest';
import { ApiError, LoginNeeded } from '../api/problem';
import { keys, queryClient } from './queries';
import { logout } from './session';

const answers: (Error | undefined)[] = [];

vi.mock('../api/client', () => ({
  api: { DELETE: () => undefined },
  ok: async () => {
    const error = answers.shift();
    if (error) throw error;
  },
}));

const removed: string[] = [];

beforeEach(() => {
  removed.length = 0;
  vi.stubGlobal('localStorage', { removeItem: (name: string) => removed.push(name) });
  queryClient.setQueryData(keys.session, { actor: 'user/1', name: 'a', role: 'admin' });
});

test('a session that has ended already is left all the same', async () => {
  answers.push(new LoginNeeded(401, 'log in'));
  await logout();
  expect(queryClient.getQueryData(keys.session)).toBeNull();
  expect(removed).toEqual(['promfleet-session']);
});

test('a logout that fails leaves who it was', async () => {
  answers.push(new ApiError(503, 'later'));
  await expect(logout()).rejects.toThrow('later');
  expect(queryClient.getQueryData(keys.session)).toMatchObject({ actor: 'user/1' });
});
