import { useQuery } from '@tanstack/react-query';
import { api, ok, type Session } from '../api/client';
import { LoginNeeded } from '../api/problem';
import { keys, queryClient } from './queries';

/**
 * That this browser has logged in. The cookie cannot be read by pages; without this,
 * every visit would begin with a call that is refused.
 */
const mark = 'promfleet-session';

function remember(loggedIn: boolean): void {
  if (loggedIn) localStorage.setItem(mark, '1');
  else localStorage.removeItem(mark);
}

/** Who has logged in; null: nobody. */
export async function readSession(): Promise<Session | null> {
  if (localStorage.getItem(mark) === null) return null;
  try {
    return await ok(api.GET('/api/v1/session'));
  } catch (error) {
    if (!(error instanceof LoginNeeded)) throw error;
    remember(false);
    return null;
  }
}

export function useSession() {
  return useQuery({ queryKey: keys.session, queryFn: readSession, staleTime: 60_000 });
}

export async function login(name: string, password: string): Promise<void> {
  const session = await ok(api.POST('/api/v1/session', { body: { name, password } }));
  remember(true);
  queryClient.clear(); // what another user was shown
  queryClient.setQueryData(keys.session, session);
}

export async function logout(): Promise<void> {
  await ok(api.DELETE('/api/v1/session'));
  remember(false);
  queryClient.clear();
  queryClient.setQueryData(keys.session, null);
}

export const mayEdit = (session: Session | null | undefined) => session?.role === 'editor' || session?.role === 'admin';

export const isAdmin = (session: Session | null | undefined) => session?.role === 'admin';
