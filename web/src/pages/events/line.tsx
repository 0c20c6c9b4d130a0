import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../../api/client';
import { Name } from '../../components/name';
import { Ago } from '../../components/time';

/** An event in one line: who did what to what, and when. */
export function EventLine({ event }: { event: FleetEvent }) {
  const { t } = useTranslation();
  return (
    <li>
      <Name of={event.actor_name || event.actor} className="actor" /> {t(`events.action.${event.action}`)}{' '}
      <Link to="/events" search={{ node: event.node, event: event.id }} className="mono">
        {objectOf(event)}
      </Link>{' '}
      <span className="dim">
        <Ago at={event.at} />
      </span>
    </li>
  );
}

interface Named {
  key?: unknown;
  name?: unknown;
  addr?: unknown;
  hostname?: unknown;
}

/** What an event is about, by the name that people give it, if it has one. */
export function objectOf(event: FleetEvent): string {
  const record = { ...(event.before as Named | undefined), ...(event.after as Named | undefined) };
  const kind = event.object.split('/')[0] ?? '';
  const name = [record.key, record.hostname, record.addr, record.name].find((v) => typeof v === 'string' && v !== '');
  return typeof name === 'string' ? `${kind} ${name}` : event.object;
}
