import { Modal } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { beginSequence, endSequence, typing } from './sequence';

/** Where one goes by g and another key. */
const pages: Record<string, '/' | '/jobs' | '/targets' | '/tags' | '/events'> = {
  f: '/',
  j: '/jobs',
  t: '/targets',
  a: '/tags',
  e: '/events',
};

/** The keys that work on every page. */
export function useKeys({ palette, help }: { palette: () => void; help: () => void }) {
  const navigate = useNavigate();
  const actions = useRef({ palette, help });
  actions.current = { palette, help };
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        actions.current.palette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const second = endSequence();
      switch (event.key) {
        case 'g':
          beginSequence();
          return;
        case '/': {
          const search = document.querySelector<HTMLInputElement>('input[type="search"]');
          if (search) search.focus();
          else actions.current.palette();
          break;
        }
        case '?':
          actions.current.help();
          break;
        default: {
          const page = pages[event.key];
          if (!second || !page) return;
          void navigate({ to: page });
        }
      }
      event.preventDefault();
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, [navigate]);
}

/** The keys, for people. */
export function Keys({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  const rows: [string[], string][] = [
    [['/'], t('keys.search')],
    [['Ctrl', 'K'], t('keys.palette')],
    [['g', 'f'], t('keys.fleet')],
    [['g', 'j'], t('keys.jobs')],
    [['g', 't'], t('keys.targets')],
    [['g', 'a'], t('keys.tags')],
    [['g', 'e'], t('keys.events')],
    [['j', 'k'], t('keys.move')],
    [['Home', 'End'], t('keys.ends')],
    [['Enter'], t('keys.open')],
    [['x'], t('keys.select')],
    [['⇧', 'j', 'k'], t('keys.extend')],
    [['e'], t('keys.edit')],
    [['n'], t('keys.new')],
    [['Esc'], t('keys.close')],
    [['?'], t('keys.help')],
  ];
  return (
    <Modal opened={opened} onClose={close} title={t('keys.title')} closeButtonProps={{ 'aria-label': t('app.close') }}>
      <dl className="keys">
        {rows.map(([pressed, does]) => (
          <div key={does}>
            <dt>
              {pressed.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
