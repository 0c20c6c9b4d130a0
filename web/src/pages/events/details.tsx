import { CloseButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../../api/client';
import { Copy } from '../../components/copy';
import { HostName } from '../../components/host';
import { Name, plain } from '../../components/name';
import { absolute } from '../../components/time';
import { Undo } from '../../components/undo';
import { diff } from './diff';
import { sidesOf } from './sides';
import { SubjectLink } from './subject-name';

/** One event: who, what, and what it made of the object. */
export function Details({ event, close }: { event: FleetEvent; close: () => void }) {
  const { t, i18n } = useTranslation();
  const label = t('events.details', { id: event.id });
  return (
    <section className="details" aria-label={label}>
      <header className="spread">
        <h2>{label}</h2>
        <Undo event={event} done={close} />
        <CloseButton className="push" aria-label={t('app.close')} onClick={close} />
      </header>
      <p className="spread wrap">
        <time dateTime={event.at}>{absolute(event.at, i18n.language)}</time>
        <Link to="/events" search={{ actor: event.actor }} title={t('events.ofActor')}>
          <Name of={event.actor_name || event.actor} /> <span className="mono">({event.actor})</span>
        </Link>
        <span>{t(`events.action.${event.action}`)}</span>
        <span>
          <SubjectLink event={event} />{' '}
          <Link to="/events" search={{ object: event.object }} title={t('events.ofObject')} className="mono">
            ({event.object})
          </Link>
        </span>
        {event.node && (
          <span className="spread tight">
            <Link to="/events" search={{ node: event.node }} title={t('events.ofNode')}>
              <HostName uuid={event.node} />
            </Link>
            <Copy text={event.node} label={event.node} />
          </span>
        )}
        {event.reverts && (
          <Link to="/events" search={(old) => ({ ...old, event: event.reverts })}>
            {t('events.reverts', { id: event.reverts })}
          </Link>
        )}
      </p>
      <h3 className="visually-hidden">{t('events.changes')}</h3>
      <Changed event={event} />
    </section>
  );
}

/** What is other after an event, line by line; secrets come masked from the server. */
export function Changed({ event }: { event: FleetEvent }) {
  const { t } = useTranslation();
  const { before, after } = sidesOf(event);
  if (before.length + after.length === 0) return <p className="dim">{t('events.nothing')}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <pre className="unified" tabIndex={0}>
      {diff(before, after).map(({ kind, text }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one diff do not move
        <span key={i} data-line={kind}>
          {`${{ same: '  ', added: '+ ', removed: '- ', hunk: '' }[kind]}${plain(text)}\n`}
        </span>
      ))}
    </pre>
  );
}
