import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, ok } from '../../api/client';
import { Name } from '../../components/name';
import { Ago } from '../../components/time';
import { Undo, undoable } from '../../components/undo';

/** What was last done to a record, and by whom; the last of it can be undone. */
export function Past({ object }: { object: string }) {
  const { t } = useTranslation();
  const events = useQuery({
    queryKey: ['events', 'object', object],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/events', { params: { query: { object, limit: 5 } }, signal })).then((p) => p.items ?? []),
  });
  if (!events.data?.length) return null;
  return (
    <section>
      <h3>
        <Link to="/events" search={{ object }}>
          {t('record.past')}
        </Link>
      </h3>
      <ul className="past">
        {events.data.map((event, i) => (
          <li key={event.id}>
            <span className="wrap">
              <Name of={event.actor_name || event.actor} className="actor" />{' '}
              <Link to="/events" search={{ object, event: event.id }}>
                {t(`events.action.${event.action}`)}
              </Link>
            </span>
            <span className="dim push">
              <Ago at={event.at} />
            </span>
            {i === 0 && undoable(event) && <Undo event={event} />}
          </li>
        ))}
      </ul>
    </section>
  );
}
