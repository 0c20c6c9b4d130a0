import { useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, type NodeState, ok } from '../api/client';
import { looksLikeAddr } from '../components/explain/addr';
import { tellFailure } from '../components/tell';
import { isAdmin, logout, mayEdit, useSession } from '../data/session';
import { languages, setLanguage } from '../i18n';

/** Something to go to, or to do. */
export interface Item {
  id: string;
  group: string;
  text: string;
  detail?: string;
  state?: NodeState;
  /** It asks for a node next. */
  asks?: 'job';
  run: () => void;
}

/** How many of each kind are asked for. */
const limit = 5;

/** Whether a word of a text begins with what is typed; scripts without spaces have words everywhere. */
function matches(text: string, wanted: string): boolean {
  const low = text.toLowerCase();
  return /^[\p{Script=Latin}\d\s]*$/u.test(wanted) ? ` ${low}`.includes(` ${wanted}`) : low.includes(wanted);
}

/** Reads a kind of records; what a kind has no answer to does not keep the others back. */
const read = <T>(list: Promise<{ items: T[] | null }>) =>
  list.then(
    (page) => page.items ?? [],
    () => [],
  );

/** What of the fleet has a text in it: nodes, jobs and tags together, so that the list moves once. */
function useFound(q: string, only?: 'nodes') {
  return useQuery({
    queryKey: ['palette', only ?? 'all', q],
    queryFn: async ({ signal }) => {
      const query = { q, limit };
      const [nodes, jobs, tags] = await Promise.all([
        read(ok(api.GET('/api/v1/nodes', { params: { query: { ...query, limit: only ? 12 : limit } }, signal }))),
        only || q === '' ? [] : read(ok(api.GET('/api/v1/jobs', { params: { query }, signal }))),
        only || q === '' ? [] : read(ok(api.GET('/api/v1/tags', { params: { query }, signal }))),
      ]);
      return { nodes, jobs, tags };
    },
    placeholderData: keepPreviousData,
    staleTime: 2_000,
  });
}

/** Targets may be millions: they are asked for apart, and stand last. */
function useTargets(q: string, enabled: boolean) {
  return useQuery({
    queryKey: ['palette', 'targets', q],
    queryFn: ({ signal }) => read(ok(api.GET('/api/v1/targets', { params: { query: { q, limit } }, signal }))),
    enabled: enabled && q !== '',
    placeholderData: keepPreviousData,
    staleTime: 2_000,
  });
}

/** What there is to go to or to do, for what is typed. */
export function useItems(
  text: string,
  asking: 'job' | undefined,
  openHelp: () => void,
): { items: Item[]; waiting: boolean } {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const session = useSession().data;
  const { setColorScheme } = useMantineColorScheme();
  const wanted = text.trim().toLowerCase();
  const [q] = useDebouncedValue(text.trim(), 120);
  const found = useFound(q, asking && 'nodes');
  const foundTargets = useTargets(q, !asking);

  const nodes = (found.data?.nodes ?? []).map(
    (node): Item => ({
      id: `node-${node.uuid}`,
      group: t('palette.nodes'),
      text: node.hostname,
      state: node.status.state,
      run: () =>
        void navigate({
          to: asking === 'job' ? '/nodes/$uuid/new-job' : '/nodes/$uuid',
          params: { uuid: node.uuid },
        }),
    }),
  );
  const waiting = found.isFetching || foundTargets.isFetching || q !== text.trim();
  if (asking) return { items: nodes, waiting };

  const pages = t('palette.pages');
  const actions = t('palette.actions');
  const page = (
    id: string,
    to: '/' | '/jobs' | '/targets' | '/tags' | '/events' | '/account' | '/users' | '/tokens' | '/join-tokens',
  ) => ({
    id,
    group: pages,
    text: t(`nav.${id}`),
    run: () => void navigate({ to }),
  });
  const fixed: Item[] = [
    page('fleet', '/'),
    page('jobs', '/jobs'),
    page('targets', '/targets'),
    page('tags', '/tags'),
    page('events', '/events'),
    page('account', '/account'),
  ];
  if (isAdmin(session))
    fixed.push(page('users', '/users'), page('tokens', '/tokens'), page('joinTokens', '/join-tokens'));
  if (mayEdit(session)) {
    fixed.push({ id: 'new-job', group: actions, text: t('palette.newJob'), asks: 'job', run: () => undefined });
    fixed.push({
      id: 'new-tag',
      group: actions,
      text: t('tags.new'),
      run: () => void navigate({ to: '/tags', search: { new: true } }),
    });
  }
  if (isAdmin(session)) {
    fixed.push(
      { id: 'add-node', group: actions, text: t('palette.addNode'), run: () => void navigate({ to: '/start' }) },
      {
        id: 'new-user',
        group: actions,
        text: t('users.new'),
        run: () => void navigate({ to: '/users', search: { new: true } }),
      },
      {
        id: 'new-token',
        group: actions,
        text: t('tokens.new'),
        run: () => void navigate({ to: '/tokens', search: { new: true } }),
      },
    );
  }
  for (const scheme of ['light', 'dark', 'auto'] as const) {
    fixed.push({
      id: scheme,
      group: actions,
      text: `${t('menu.scheme')}: ${t(`menu.${scheme}`)}`,
      run: () => setColorScheme(scheme),
    });
  }
  for (const [code, name] of Object.entries(languages)) {
    fixed.push({
      id: code,
      group: actions,
      text: `${t('menu.language')}: ${name}`,
      run: () => setLanguage(code as keyof typeof languages),
    });
  }
  fixed.push(
    { id: 'keys', group: actions, text: t('menu.keys'), run: openHelp },
    {
      id: 'logout',
      group: actions,
      text: t('menu.logout'),
      run: () =>
        void logout()
          .then(() => navigate({ to: '/login' }))
          .catch(tellFailure),
    },
  );
  const jobs = (found.data?.jobs ?? []).map(
    (job): Item => ({
      id: `job-${job.id}`,
      group: t('palette.jobs'),
      text: job.key,
      detail: job.remark,
      run: () => void navigate({ to: '/nodes/$uuid/jobs/$key', params: { uuid: job.node, key: job.key } }),
    }),
  );
  const tags = (found.data?.tags ?? []).map(
    (tag): Item => ({
      id: `tag-${tag.id}`,
      group: t('palette.tags'),
      text: tag.name,
      detail: tag.remark,
      run: () => void navigate({ to: '/tags', search: { id: tag.id } }),
    }),
  );
  const targets = (q === '' ? [] : (foundTargets.data ?? [])).map(
    (target): Item => ({
      id: `target-${target.id}`,
      group: t('palette.targets'),
      text: target.addr,
      detail: target.name,
      run: () => void navigate({ to: '/targets', search: { q: target.addr, target: target.id } }),
    }),
  );
  const matching = fixed.filter((item) => matches(item.text, wanted));
  const addr = text.trim();
  if (looksLikeAddr(addr)) {
    matching.unshift({
      id: 'explain',
      group: actions,
      text: t('explain.palette', { addr }),
      run: () => void navigate({ to: '/explain', search: { addr } }),
    });
  }
  return {
    // What is typed is answered in the order in which the answers come: nothing moves what is above it.
    items: wanted === '' ? [...matching, ...nodes] : [...matching, ...nodes, ...jobs, ...tags, ...targets],
    waiting,
  };
}
