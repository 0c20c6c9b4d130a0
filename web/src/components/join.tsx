import { Button, SegmentedControl, Select, TextInput } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../api/client';
import { useSession } from '../data/session';
import { serverUrl } from '../page';
import '../styles/start.css';
import { Command } from './copy';
import { Failure } from './failure';
import { isLocal, type JoinOptions, plainCommand, unitCommand, usual } from './join-commands';
import { absolute } from './time';

interface Props {
  /** Told the id of a token that is made: its use says which node has joined. */
  onToken?: (id: number) => void;
}

/** How a host joins: a join token, made by a click, in the one command that is to be run there. */
export function Join({ onToken }: Props) {
  const { t, i18n } = useTranslation();
  const session = useSession().data;
  const admin = session?.role === 'admin';
  const [options, setOptions] = useState<JoinOptions>({ server: serverUrl, ...usual });
  const [as, setAs] = useState<'plain' | 'unit'>('plain');
  const making = useMutation({
    // One host, one hour: the server's own defaults, said here so that the page keeps its word.
    mutationFn: () => ok(api.POST('/api/v1/join-tokens', { body: { name: 'web UI', max_uses: 1 } })),
    onSuccess: (token) => onToken?.(token.id),
  });
  const token = making.data;
  const shown = { ...options, secret: token?.secret };
  const ready = token !== undefined || (session !== undefined && !admin);
  return (
    <div className="join">
      {admin && !token && (
        <>
          <p>{t('join.help')}</p>
          <Button
            className="start"
            leftSection={<IconPlugConnected size={16} aria-hidden />}
            loading={making.isPending}
            onClick={() => making.mutate()}
          >
            {t('join.make')}
          </Button>
        </>
      )}
      {session && !admin && <p>{t('join.notAdmin', { role: t(`role.${session.role}`) })}</p>}
      <Failure error={making.error} />
      {ready && (
        <>
          <div className="spread">
            <b>{t('join.run')}</b>
            <SegmentedControl
              className="push"
              size="xs"
              aria-label={t('join.as')}
              value={as}
              onChange={(v) => setAs(v === 'unit' ? 'unit' : 'plain')}
              data={[
                { value: 'plain', label: t('join.plain') },
                { value: 'unit', label: t('join.unit') },
              ]}
            />
          </div>
          <div className="joincommand">
            <Command text={as === 'unit' ? unitCommand(shown) : plainCommand(shown)} />
          </div>
          {token && (
            <p className="spread">
              <span className="dim">
                {t('join.until', { time: absolute(token.expires_at, i18n.language), count: token.max_uses })}
              </span>
              <button type="button" className="link" onClick={() => making.mutate()}>
                {t('join.another')}
              </button>
            </p>
          )}
          {isLocal(options.server) && <p className="warn">{t('join.local', { server: options.server })}</p>}
          <Options options={options} set={setOptions} />
          <ul className="hints">
            <li>{t('join.binary')}</li>
            <li>{t('join.doctor')}</li>
            <li>{t('join.safe')}</li>
          </ul>
        </>
      )}
    </div>
  );
}

/** What is not the same on every host. */
function Options({ options, set }: { options: JoinOptions; set: (options: JoinOptions) => void }) {
  const { t } = useTranslation();
  const text = (name: 'server' | 'prometheus' | 'configFile') => ({
    label: t(`join.${name}`),
    value: options[name],
    onChange: (e: { currentTarget: { value: string } }) => set({ ...options, [name]: e.currentTarget.value }),
    autoComplete: 'off',
    spellCheck: false,
    classNames: { input: 'mono' },
  });
  return (
    <details>
      <summary>{t('join.options')}</summary>
      <div className="options">
        <TextInput {...text('server')} />
        <TextInput {...text('prometheus')} />
        <TextInput {...text('configFile')} />
        <Select
          label={t('join.reload')}
          value={options.reload}
          onChange={(v) => set({ ...options, reload: v === 'systemd' ? 'systemd' : 'http' })}
          allowDeselect={false}
          data={[
            { value: 'http', label: t('join.reloadHttp') },
            { value: 'systemd', label: t('join.reloadSystemd') },
          ]}
        />
      </div>
    </details>
  );
}
