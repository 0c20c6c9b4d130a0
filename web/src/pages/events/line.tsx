import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../../api/client';
import { Name } from '../../components/name';
import { Ago } from '../../components/time';
import { SubjectName } from './subject-name';

/** An event in one line: who did what to what, and when. */
export function EventLine({ event }: { event: FleetEvent }) {
  const { t } = useTranslation();
  return (
    <li>
      <Name of={event.actor_name || event.actor} className="actor" /> {t(`events.action.${event.action}`)}{' '}
      <Link to="/events" search={{ node: event.node, event: event.id }}>
        <SubjectName event={event} />
      </Link>{' '}
      <span className="dim">
        <Ago at={event.at} />
      </span>
    </li>
  );
}
