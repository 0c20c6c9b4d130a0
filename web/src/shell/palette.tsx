import { Modal, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import { looksLikeAddr } from '../components/explain/addr';
import { Name } from '../components/name';
import { State } from '../components/state';
import { logout } from '../data/session';
import { setLanguage } from '../i18n';

interface Item {
  id: string;
  group: string;
  text: string;
  detail?: ReactNode;
  run: () => void;
}

/** Goes to nodes and pages, and does what has no page of its own, by the keyboard. */
export function Palette({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={close}
      withCloseButton={false}
      padding={0}
      size={560}
      yOffset="12vh"
      attributes={{ content: { 'aria-label': t('palette.title') } }}
    >
      <Search close={close} />
    </Modal>
  );
}

function Search({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const items = useItems(text);
  const chosen = Math.min(at, items.length - 1);
  const run = (item?: Item) => {
    if (!item) return;
    close();
    item.run();
  };
  const key = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && items.length > 0) {
      event.preventDefault();
      const next = (chosen + step + items.length) % items.length;
      setAt(next);
      document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(items[chosen]);
    }
  };
  return (
    <div className="palette">
      <input
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={items.length > 0 ? `${list}-${chosen}` : undefined}
        aria-label={t('palette.title')}
        placeholder={t('palette.placeholder')}
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={key}
        autoComplete="off"
        spellCheck={false}
      />
      <div id={list} role="listbox" aria-label={t('palette.title')} className="found">
        {items.map((item, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field (aria-activedescendant)
          <div
            key={item.id}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={() => run(item)}
            onMouseMove={() => setAt(i)}
          >
            <span className="group">{item.group}</span>
            <Name of={item.text} />
            {item.detail}
          </div>
        ))}
        {items.length === 0 && <p className="dim">{t('palette.nothing')}</p>}
      </div>
      <p className="hint">{t('palette.hint')}</p>
    </div>
  );
}

function useItems(text: string): Item[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const [q] = useDebouncedValue(text.trim(), 120);
  const nodes = useQuery({
    queryKey: ['palette', q],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/nodes', { params: { query: { q, limit: 8 } }, signal })),
    placeholderData: keepPreviousData,
  });
  const pages = t('palette.pages');
  const actions = t('palette.actions');
  const fixed: Item[] = [
    { id: 'fleet', group: pages, text: t('nav.fleet'), run: () => void navigate({ to: '/' }) },
    { id: 'events', group: pages, text: t('nav.events'), run: () => void navigate({ to: '/events' }) },
    { id: 'account', group: pages, text: t('nav.account'), run: () => void navigate({ to: '/account' }) },
    {
      id: 'light',
      group: actions,
      text: `${t('menu.scheme')}: ${t('menu.light')}`,
      run: () => setColorScheme('light'),
    },
    { id: 'dark', group: actions, text: `${t('menu.scheme')}: ${t('menu.dark')}`, run: () => setColorScheme('dark') },
    { id: 'en', group: actions, text: `${t('menu.language')}: English`, run: () => setLanguage('en') },
    { id: 'zh', group: actions, text: `${t('menu.language')}: 中文`, run: () => setLanguage('zh') },
    {
      id: 'logout',
      group: actions,
      text: t('menu.logout'),
      run: () => void logout().then(() => navigate({ to: '/login' })),
    },
  ];
  const wanted = text.trim().toLowerCase();
  const matching = fixed.filter((item) => item.text.toLowerCase().includes(wanted));
  const found = (nodes.data?.items ?? []).map(
    (node): Item => ({
      id: node.uuid,
      group: t('palette.nodes'),
      text: node.hostname,
      detail: <State of={node.status.state} />,
      run: () => void navigate({ to: '/nodes/$uuid', params: { uuid: node.uuid } }),
    }),
  );
  const addr = text.trim();
  if (looksLikeAddr(addr)) {
    const why = t('explain.palette', { addr });
    matching.unshift({
      id: 'explain',
      group: actions,
      text: why,
      run: () => void navigate({ to: '/explain', search: { addr } }),
    });
    return [...matching, ...found]; // the nodes are still those of what was typed before
  }
  return wanted === '' ? [...matching, ...found] : [...found, ...matching];
}
