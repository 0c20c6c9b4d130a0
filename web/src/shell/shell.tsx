import { Outlet, useLocation, useNavigate, useRouterState } from '@tanstack/react-router';
import { Fragment, useEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { Boundary } from '../components/failure';
import { LastWrite } from '../components/followed';
import { isEnded, useEnded } from '../data/ended';
import { useLive } from '../data/live';
import { useSession } from '../data/session';
import { Away } from './away';
import { Ended } from './ended';
import { useFavicon } from './favicon';
import { Keys, useKeys } from './keys';
import { Nav } from './nav';
import { Palette } from './palette';

const toContent = () => document.getElementById('content')?.focus({ preventScroll: true });

/** What is around every page: navigation, search, and what is said of the server. */
export function Shell() {
  const { t } = useTranslation();
  const session = useSession();
  const navigate = useNavigate();
  const location = useLocation();
  // Where one is; while one goes elsewhere, what is shown is still this.
  const shown = useRouterState({ select: (s) => (s.resolvedLocation ?? s.location).pathname });
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const ended = useEnded();
  useLive(session.data != null && !ended);
  useFavicon(session.data != null);
  // At once: what is typed after the key belongs to the palette.
  useKeys({ palette: () => flushSync(() => setPalette(true)), help: () => setHelp(true) });

  const { data } = session;
  const { href, pathname } = location; // of where one goes, while one goes there
  useEffect(() => {
    if (data !== null || pathname === '/login') return;
    void navigate({ to: '/login', search: { to: href, ended: isEnded() || undefined }, replace: true });
  }, [data, href, pathname, navigate]);

  const before = useRef(shown);
  useEffect(() => {
    if (before.current === shown) return;
    before.current = shown;
    // What was focused is gone with the page that it was on: go on from the top of the new one.
    if (document.activeElement === document.body) toContent();
  }, [shown]);

  return (
    <div className="shell">
      {/* A link to #content would lead to the base of the address (index.html), not down this page. */}
      <button type="button" className="skip" onClick={toContent}>
        {t('app.skip')}
      </button>
      <Nav session={session.data} openPalette={() => setPalette(true)} openHelp={() => setHelp(true)} />
      <div className="main">
        <Away />
        <main id="content" tabIndex={-1}>
          <Boundary resetKey={shown}>
            {session.data && (
              <Fragment key={session.data.actor}>
                <LastWrite key={shown} />
                <Outlet />
              </Fragment>
            )}
          </Boundary>
        </main>
      </div>
      <Palette opened={palette} close={() => setPalette(false)} openHelp={() => setHelp(true)} />
      <Ended />
      <Keys opened={help} close={() => setHelp(false)} />
    </div>
  );
}
