import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import {
  IconBook2,
  IconDeviceDesktop,
  IconHistory,
  IconKey,
  IconKeyboard,
  IconLanguage,
  IconLogout,
  IconMenu2,
  IconMoon,
  IconPlugConnected,
  IconSearch,
  IconServer2,
  IconStack2,
  IconSun,
  IconTags,
  IconTargetArrow,
  IconUserCircle,
  IconUsers,
} from '@tabler/icons-react';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Session } from '../api/client';
import { Name } from '../components/name';
import { tellFailure } from '../components/tell';
import { logout } from '../data/session';
import { languages, setLanguage } from '../i18n';
import logo from '../icons/favicon.svg?url';
import { basePath } from '../page';

interface Props {
  session?: Session | null;
  openPalette: () => void;
  openHelp: () => void;
}

const pages = [
  ['/', 'fleet', IconServer2],
  ['/jobs', 'jobs', IconStack2],
  ['/targets', 'targets', IconTargetArrow],
  ['/tags', 'tags', IconTags],
  ['/events', 'events', IconHistory],
] as const;

/** What admins have beside. */
const accessPages = [
  ['/users', 'users', IconUsers],
  ['/tokens', 'tokens', IconKey],
  ['/join-tokens', 'joinTokens', IconPlugConnected],
] as const;

type Entry = (typeof pages)[number] | (typeof accessPages)[number];

function Page({ to, name, icon: Icon }: { to: Entry[0]; name: Entry[1]; icon: Entry[2] }) {
  const { t } = useTranslation();
  return (
    <Link to={to} className="item" activeOptions={{ exact: to === '/', includeSearch: false }}>
      <Icon size={17} aria-hidden />
      {t(`nav.${name}`)}
    </Link>
  );
}

/** The pages that there are, and what belongs to who looks at them. */
export function Nav({ session, openPalette, openHelp }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  // On a narrow screen, the pages are behind a button.
  const { pathname } = useLocation();
  const [opened, setOpened] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes it
  useEffect(() => setOpened(false), [pathname]);
  const leave = async () => {
    try {
      await logout();
      await navigate({ to: '/login' });
    } catch (error) {
      tellFailure(error);
    }
  };
  return (
    <header className="side" data-open={opened || undefined}>
      <Link to="/" className="brand">
        <img src={logo} width={22} height={22} alt="" />
        promfleet
      </Link>
      <button type="button" className="find" aria-label={t('menu.search')} onClick={openPalette}>
        <IconSearch size={15} aria-hidden />
        <span>{t('menu.find')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <button type="button" className="item burger" aria-expanded={opened} onClick={() => setOpened(!opened)}>
        <IconMenu2 size={17} aria-hidden />
        {t('nav.menu')}
      </button>
      <nav aria-label={t('nav.main')}>
        {pages.map(([to, name, Icon]) => (
          <Page key={to} to={to} name={name} icon={Icon} />
        ))}
        {session?.role === 'admin' && (
          <>
            <p className="group">{t('nav.access')}</p>
            {accessPages.map(([to, name, Icon]) => (
              <Page key={to} to={to} name={name} icon={Icon} />
            ))}
          </>
        )}
        <a href={`${basePath}/docs/`} className="item">
          <IconBook2 size={17} aria-hidden />
          {t('nav.docs')}
        </a>
      </nav>
      <div className="foot">
        {session && (
          <Menu position="right-end" width={220}>
            <Menu.Target>
              <button type="button" className="item who">
                <IconUserCircle size={17} aria-hidden />
                <span>
                  <Name of={session.name} />
                  <small>{t(`role.${session.role}`)}</small>
                </span>
              </button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconUserCircle size={15} />} onClick={() => navigate({ to: '/account' })}>
                {t('menu.password')}
              </Menu.Item>
              <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={openHelp}>
                {t('menu.keys')}
              </Menu.Item>
              <Menu.Item leftSection={<IconLogout size={15} />} onClick={leave}>
                {t('menu.logout')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        <Preferences />
      </div>
    </header>
  );
}

/** Language and appearance, which are this browser's. */
export function Preferences() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const schemes = [
    ['light', IconSun],
    ['dark', IconMoon],
    ['auto', IconDeviceDesktop],
  ] as const;
  const Current = schemes.find(([s]) => s === colorScheme)?.[1] ?? IconDeviceDesktop;
  return (
    <div className="preferences">
      <Menu position="top-start">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('menu.language')}>
            <IconLanguage size={17} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {Object.entries(languages).map(([code, name]) => (
            <Menu.Item
              key={code}
              lang={code}
              aria-current={i18n.resolvedLanguage === code || undefined}
              onClick={() => setLanguage(code as keyof typeof languages)}
            >
              {name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="top-start">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('menu.scheme')}>
            <Current size={17} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {schemes.map(([scheme, Icon]) => (
            <Menu.Item
              key={scheme}
              leftSection={<Icon size={15} />}
              aria-current={colorScheme === scheme || undefined}
              onClick={() => setColorScheme(scheme)}
            >
              {t(`menu.${scheme}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
