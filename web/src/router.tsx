import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import type { NodeState } from './api/client';
import { AllBroken } from './components/failure';
import { isEnded } from './data/ended';
import { keys, queryClient } from './data/queries';
import { readSession } from './data/session';
import { basePath } from './page';
import { NoPage } from './pages/missing';
import { Shell } from './shell/shell';
import { states } from './state/states';

const text = (v: unknown) => (typeof v === 'string' && v !== '' ? v : typeof v === 'number' ? String(v) : undefined);

const texts = (v: unknown) => {
  const all = (Array.isArray(v) ? v : [v]).map(text).filter((t) => t !== undefined);
  return all.length > 0 ? all : undefined;
};

const positive = (v: unknown) => (Number.isInteger(v) && Number(v) > 0 ? Number(v) : undefined);

const root = createRootRoute({ component: Outlet, notFoundComponent: NoPage, errorComponent: AllBroken });

export interface LoginSearch {
  to?: string;
  /** A session has ended: why one is here. */
  ended?: true;
}

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (s: Record<string, unknown>): LoginSearch => ({
    to: text(s.to),
    ended: s.ended === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/login'), 'Login'),
});

/** The row of a page's table that the keys are at (components/row.ts). */
export interface RowSearch {
  row?: string;
}

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  validateSearch: (s: Record<string, unknown>): RowSearch => ({ row: text(s.row) }),
  beforeLoad: async ({ location }) => {
    const session = await queryClient
      .ensureQueryData({ queryKey: keys.session, queryFn: readSession, staleTime: 60_000 })
      .catch(() => undefined); // the server does not answer: the page says so
    if (session === null)
      throw redirect({ to: '/login', search: { to: location.href, ended: isEnded() || undefined } });
  },
  component: Shell,
});

export interface FleetSearch {
  q?: string;
  state?: NodeState;
  tag?: string[];
  sort?: string;
  view?: 'map';
}

const sorts = ['hostname', 'addr', 'last_seen_at', 'created_at'];

/** The fleet as an address says it. What is not known is left out. */
export function fleetSearch(s: Record<string, unknown>): FleetSearch {
  const sort = text(s.sort);
  return {
    q: text(s.q),
    state: states.find((state) => state === s.state),
    tag: texts(s.tag),
    sort: sort && sorts.includes(sort.replace(/^-/, '')) ? sort : undefined,
    view: s.view === 'map' ? 'map' : undefined,
  };
}

/** A list of targets as an address says it. */
export interface TargetSearch {
  q?: string;
  node?: string;
  tag?: string[];
  addr?: string;
  sort?: string;
  deleted?: true;
  /** The target whose drawer is open, and what the drawer shows. */
  target?: number;
  show?: 'explain' | 'history';
  /** The dialog that is open, and the targets that it is about, if they are not all of the list. */
  dialog?: 'bulk' | 'paste' | 'export';
  ids?: number[];
}

const dialogs = ['bulk', 'paste', 'export'] as const;

/** Numbers of records; none, if one of them is no such number: what is meant must not become more. */
function idsOf(v: unknown): number[] {
  const all = Array.isArray(v) ? v.map(positive) : [];
  return all.every((id) => id !== undefined) ? all : [];
}

function targetSearch(s: Record<string, unknown>): TargetSearch {
  return {
    q: text(s.q),
    node: text(s.node),
    tag: texts(s.tag),
    addr: text(s.addr),
    sort: text(s.sort),
    deleted: s.deleted === true ? true : undefined,
    target: positive(s.target),
    show: s.show === 'explain' || s.show === 'history' ? s.show : undefined,
    dialog: dialogs.find((dialog) => dialog === s.dialog),
    ids: s.ids === undefined ? undefined : idsOf(s.ids),
  };
}

/** Which side of a node's configuration is shown, and what is held against what is wanted. */
export interface ConfigSearch {
  view?: 'loaded' | 'files';
  side?: 'loaded' | 'written';
  /** The lines that are the same too. */
  lines?: 'all';
}

/** A list of records, and the one that is open. */
export interface RecordSearch extends RowSearch {
  q?: string;
  sort?: string;
  deleted?: true;
  /** Of those that are not deleted, those that serve no more. */
  over?: true;
  id?: number;
  /** A new one is being made. */
  new?: true;
}

function recordSearch(s: Record<string, unknown>): RecordSearch {
  return {
    q: text(s.q),
    sort: text(s.sort),
    deleted: s.deleted === true ? true : undefined,
    over: s.over === true ? true : undefined,
    id: positive(s.id),
    new: s.new === true ? true : undefined,
  };
}

/** Events as an address says them, and the one that is open. */
export interface EventSearch {
  q?: string;
  node?: string;
  actor?: string;
  object?: string;
  since?: string;
  event?: number;
}

function eventSearch(s: Record<string, unknown>): EventSearch {
  const since = text(s.since);
  return {
    q: text(s.q),
    node: text(s.node),
    actor: text(s.actor),
    object: text(s.object),
    since: since && !Number.isNaN(Date.parse(since)) ? since : undefined,
    event: positive(s.event),
  };
}

const fleet = createRoute({
  getParentRoute: () => shell,
  path: '/',
  validateSearch: fleetSearch,
  component: lazyRouteComponent(() => import('./pages/fleet'), 'Fleet'),
});

const node = createRoute({
  getParentRoute: () => shell,
  path: '/nodes/$uuid',
  component: lazyRouteComponent(() => import('./pages/node/node'), 'NodePage'),
});
const overview = createRoute({
  getParentRoute: () => node,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/node/overview'), 'Overview'),
});
const jobs = createRoute({
  getParentRoute: () => node,
  path: '/jobs',
  validateSearch: (s: Record<string, unknown>): { sort?: string } => ({ sort: text(s.sort) }),
  component: lazyRouteComponent(() => import('./pages/node/jobs'), 'Jobs'),
});
const health = createRoute({
  getParentRoute: () => node,
  path: '/health',
  validateSearch: (s: Record<string, unknown>): { job?: string } => ({ job: text(s.job) }),
  component: lazyRouteComponent(() => import('./pages/node/health'), 'Health'),
});
const doctor = createRoute({
  getParentRoute: () => node,
  path: '/doctor',
  component: lazyRouteComponent(() => import('./pages/node/doctor'), 'Doctor'),
});
const config = createRoute({
  getParentRoute: () => node,
  path: '/config',
  validateSearch: (s: Record<string, unknown>): ConfigSearch => ({
    view: s.view === 'loaded' || s.view === 'files' ? s.view : undefined,
    side: s.side === 'loaded' || s.side === 'written' ? s.side : undefined,
    lines: s.lines === 'all' ? 'all' : undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/node/config'), 'Config'),
});
const history = createRoute({
  getParentRoute: () => node,
  path: '/history',
  validateSearch: (s: Record<string, unknown>): { revision?: number } => ({
    revision: positive(s.revision),
  }),
  component: lazyRouteComponent(() => import('./pages/node/history'), 'History'),
});
const settings = createRoute({
  getParentRoute: () => node,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/node/settings'), 'Settings'),
});

const job = createRoute({
  getParentRoute: () => shell,
  path: '/nodes/$uuid/jobs/$key',
  component: lazyRouteComponent(() => import('./pages/job/job'), 'JobPage'),
});
const newJob = createRoute({
  getParentRoute: () => shell,
  path: '/nodes/$uuid/new-job',
  component: lazyRouteComponent(() => import('./pages/job/new'), 'NewJob'),
});
const jobTargets = createRoute({
  getParentRoute: () => job,
  path: '/',
  validateSearch: targetSearch,
  component: lazyRouteComponent(() => import('./pages/job/targets'), 'JobTargets'),
});
const jobConfig = createRoute({
  getParentRoute: () => job,
  path: '/config',
  validateSearch: (s: Record<string, unknown>): { at?: string } => ({ at: text(s.at) }),
  component: lazyRouteComponent(() => import('./pages/job/config'), 'JobConfig'),
});
const jobHistory = createRoute({
  getParentRoute: () => job,
  path: '/history',
  validateSearch: (s: Record<string, unknown>): { event?: number } => ({ event: positive(s.event) }),
  component: lazyRouteComponent(() => import('./pages/job/history'), 'JobHistory'),
});

const allJobs = createRoute({
  getParentRoute: () => shell,
  path: '/jobs',
  validateSearch: (s: Record<string, unknown>): { q?: string; node?: string; sort?: string } => ({
    q: text(s.q),
    node: text(s.node),
    sort: text(s.sort),
  }),
  component: lazyRouteComponent(() => import('./pages/jobs'), 'AllJobs'),
});

const targets = createRoute({
  getParentRoute: () => shell,
  path: '/targets',
  validateSearch: targetSearch,
  component: lazyRouteComponent(() => import('./pages/targets'), 'Targets'),
});

const explain = createRoute({
  getParentRoute: () => shell,
  path: '/explain',
  validateSearch: (s: Record<string, unknown>): { addr?: string; node?: string; job?: string } => ({
    addr: text(s.addr),
    node: text(s.node),
    job: text(s.job),
  }),
  component: lazyRouteComponent(() => import('./pages/explain'), 'Explain'),
});

const start = createRoute({
  getParentRoute: () => shell,
  path: '/start',
  validateSearch: (s: Record<string, unknown>): { node?: string; token?: number } => ({
    node: text(s.node),
    token: positive(s.token), // the join token that is waited for
  }),
  component: lazyRouteComponent(() => import('./pages/start'), 'Start'),
});

const tags = createRoute({
  getParentRoute: () => shell,
  path: '/tags',
  validateSearch: recordSearch,
  component: lazyRouteComponent(() => import('./pages/tags'), 'Tags'),
});
const users = createRoute({
  getParentRoute: () => shell,
  path: '/users',
  validateSearch: recordSearch,
  component: lazyRouteComponent(() => import('./pages/users'), 'Users'),
});
const tokens = createRoute({
  getParentRoute: () => shell,
  path: '/tokens',
  validateSearch: recordSearch,
  component: lazyRouteComponent(() => import('./pages/tokens'), 'Tokens'),
});
const joinTokens = createRoute({
  getParentRoute: () => shell,
  path: '/join-tokens',
  validateSearch: recordSearch,
  component: lazyRouteComponent(() => import('./pages/join-tokens'), 'JoinTokens'),
});

const events = createRoute({
  getParentRoute: () => shell,
  path: '/events',
  validateSearch: eventSearch,
  component: lazyRouteComponent(() => import('./pages/events'), 'Events'),
});

const account = createRoute({
  getParentRoute: () => shell,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/account'), 'Account'),
});

// Within the shell: whoever has gone astray goes on from there.
const nowhere = createRoute({ getParentRoute: () => shell, path: '$', component: NoPage });

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    shell.addChildren([
      fleet,
      node.addChildren([overview, health, jobs, config, history, doctor, settings]),
      newJob,
      job.addChildren([jobTargets, jobConfig, jobHistory]),
      allJobs,
      targets,
      explain,
      start,
      tags,
      users,
      tokens,
      joinTokens,
      events,
      account,
      nowhere,
    ]),
  ]),
  basepath: basePath || '/',
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
