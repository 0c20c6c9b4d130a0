import { Modal } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
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

/** The keys that what is shown says it has; what a dialog hides counts as well. */
function keysHere(): Set<string> {
  const all = document.querySelectorAll('[aria-keyshortcuts]');
  return new Set([...all].flatMap((element) => element.getAttribute('aria-keyshortcuts')?.split(' ') ?? []));
}

type Line = [pressed: string[], does: string];

/** The keys, for people: those that hold everywhere, and those of the page. */
export function Keys({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={close} title={t('keys.title')} closeButtonProps={{ 'aria-label': t('app.close') }}>
      <Help />
    </Modal>
  );
}

function Help() {
  const { t } = useTranslation();
  const [here] = useState(keysHere);
  const everywhere: Line[] = [
    [['/'], t('keys.search')],
    [['Ctrl', 'K'], t('keys.palette')],
    [['g', 'f'], t('keys.fleet')],
    [['g', 'j'], t('keys.jobs')],
    [['g', 't'], t('keys.targets')],
    [['g', 'a'], t('keys.tags')],
    [['g', 'e'], t('keys.events')],
    [['Esc'], t('keys.close')],
    [['?'], t('keys.help')],
  ];
  const ofPage: [shortcut: string, ...Line][] = [
    ['j', ['j', 'k'], t('keys.move')],
    ['Home', ['Home', 'End'], t('keys.ends')],
    ['Enter', ['Enter'], t('keys.open')],
    ['x', ['x'], t('keys.select')],
    ['Shift+J', ['⇧', 'j', 'k'], t('keys.extend')],
    ['e', ['e'], t('keys.edit')],
    ['n', ['n'], t('keys.new')],
    ['Control+S', ['Ctrl', 'S'], t('keys.save')],
  ];
  const held = ofPage.filter(([shortcut]) => here.has(shortcut)).map(([, ...line]): Line => line);
  return (
    <>
      {held.length > 0 && (
        <>
          <h3>{t('keys.here')}</h3>
          <Lines of={held} />
        </>
      )}
      <h3>{t('keys.everywhere')}</h3>
      <Lines of={everywhere} />
    </>
  );
}

function Lines({ of }: { of: Line[] }) {
  return (
    <dl className="keys">
      {of.map(([pressed, does]) => (
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
  );
}
