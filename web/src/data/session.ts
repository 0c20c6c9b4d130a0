import { useQuery } from '@tanstack/react-query';
import { api, ok, type Session } from '../api/client';
import { LoginNeeded } from '../api/problem';
import { isEnded, setEnded } from './ended';
import { keys, queryClient, sessionEnded } from './queries';

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
  if (localStorage.getItem(mark) === null) return sessionEnded();
  try {
    const session = await ok(api.GET('/api/v1/session'));
    if (isEnded()) goOn(session);
    return session;
  } catch (error) {
    if (!(error instanceof LoginNeeded)) throw error;
    setEnded(true);
    const kept = sessionEnded();
    if (kept === null) remember(false);
    return kept;
  }
}

/** The page is there for who has logged in: as it is, or anew for another than before. */
function goOn(session: Session): void {
  const same = queryClient.getQueryData<Session | null>(keys.session)?.actor === session.actor;
  const others = { predicate: ({ queryKey }: { queryKey: readonly unknown[] }) => queryKey[0] !== keys.session[0] };
  if (same) void queryClient.invalidateQueries(others);
  else queryClient.removeQueries(others);
  setEnded(false);
}

export function useSession() {
  return useQuery({ queryKey: keys.session, queryFn: readSession, staleTime: 60_000 });
}

async function enter(name: string, password: string): Promise<Session> {
  const session = await ok(api.POST('/api/v1/session', { body: { name, password } }));
  remember(true);
  return session;
}

/** Logs in where a session has ended: who it was goes on where they were. */
export async function loginAgain(name: string, password: string): Promise<void> {
  const session = await enter(name, password);
  goOn(session);
  queryClient.setQueryData(keys.session, session);
}

export async function login(name: string, password: string): Promise<void> {
  const session = await enter(name, password);
  setEnded(false);
  queryClient.clear(); // what another user was shown
  queryClient.setQueryData(keys.session, session);
}

/** Ends the session; one that has ended already is left all the same. */
export async function logout(): Promise<void> {
  try {
    await ok(api.DELETE('/api/v1/session'));
  } catch (error) {
    if (!(error instanceof LoginNeeded)) throw error;
  }
  remember(false);
  setEnded(false);
  queryClient.clear();
  queryClient.setQueryData(keys.session, null);
}

export const mayEdit = (session: Session | null | undefined) => session?.role === 'editor' || session?.role === 'admin';

export const isAdmin = (session: Session | null | undefined) => session?.role === 'admin';
