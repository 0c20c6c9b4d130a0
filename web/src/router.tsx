import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import type { NodeState } from './api/client';
import { keys, queryClient } from './data/queries';
import { readSession } from './data/session';
import { basePath } from './page';
import { Missing } from './pages/missing';
import { Shell } from './shell/shell';
import { states } from './state/states';

const text = (v: unknown) => (typeof v === 'string' && v !== '' ? v : typeof v === 'number' ? String(v) : undefined);

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing });

export interface LoginSearch {
  to?: string;
}

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (s: Record<string, unknown>): LoginSearch => ({ to: text(s.to) }),
  component: lazyRouteComponent(() => import('./pages/login'), 'Login'),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ location }) => {
    const session = await queryClient
      .ensureQueryData({ queryKey: keys.session, queryFn: readSession, staleTime: 60_000 })
      .catch(() => undefined); // the server does not answer: the page says so
    if (session === null) throw redirect({ to: '/login', search: { to: location.href } });
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
  const tags = (Array.isArray(s.tag) ? s.tag : [s.tag]).map(text).filter((v) => v !== undefined);
  return {
    q: text(s.q),
    state: states.find((state) => state === s.state),
    tag: tags.length > 0 ? tags : undefined,
    sort: sort && sorts.includes(sort.replace(/^-/, '')) ? sort : undefined,
    view: s.view === 'map' ? 'map' : undefined,
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
  validateSearch: (s: Record<string, unknown>): { job?: string } => ({ job: text(s.job) }),
  component: lazyRouteComponent(() => import('./pages/node/jobs'), 'Jobs'),
});
const config = createRoute({
  getParentRoute: () => node,
  path: '/config',
  component: lazyRouteComponent(() => import('./pages/node/config'), 'Config'),
});
const history = createRoute({
  getParentRoute: () => node,
  path: '/history',
  validateSearch: (s: Record<string, unknown>): { revision?: number } => ({
    revision: Number.isInteger(s.revision) && Number(s.revision) > 0 ? Number(s.revision) : undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/node/history'), 'History'),
});
const settings = createRoute({
  getParentRoute: () => node,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/node/settings'), 'Settings'),
});

const events = createRoute({
  getParentRoute: () => shell,
  path: '/events',
  validateSearch: (s: Record<string, unknown>): { q?: string; node?: string; event?: number } => ({
    q: text(s.q),
    node: text(s.node),
    event: Number.isInteger(s.event) ? Number(s.event) : undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/events'), 'Events'),
});

const account = createRoute({
  getParentRoute: () => shell,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/account'), 'Account'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    shell.addChildren([fleet, node.addChildren([overview, jobs, config, history, settings]), events, account]),
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
