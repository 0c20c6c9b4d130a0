import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { FleetEvent } from '../../api/client';
import { Name } from '../../components/name';
import { hostOf } from '../../data/hosts';
import { jobKeyOf } from '../../data/jobnames';
import { type About, type Subject, subjectOf, subjectText } from './subject';

/** What an event is about; a name that the event does not say is read. */
function useSubject(event: About): Subject | undefined {
  const subject = subjectOf(event);
  const reads = subject && subject.name === undefined ? subject.kind : undefined;
  const key = useQuery({ ...jobKeyOf(Number(subject?.id)), enabled: reads === 'targets' }).data;
  const host = useQuery({ ...hostOf(subject?.id ?? ''), enabled: reads === 'node' }).data;
  return subject && { ...subject, name: subject.name ?? key ?? host?.hostname };
}

/** What an event is about, in words. */
export function SubjectName({ event }: { event: About }) {
  const { t } = useTranslation();
  const subject = useSubject(event);
  return <Name of={subject ? subjectText(t, subject) : event.object} title={event.object} />;
}

/** The same, as the way to it. */
export function SubjectLink({ event }: { event: FleetEvent }) {
  const subject = useSubject(event);
  const name = <SubjectName event={event} />;
  return subject ? (
    <To subject={subject} event={event}>
      {name}
    </To>
  ) : (
    name
  );
}

/** Where records of a kind are listed, and opened by their id. */
const lists = { tag: '/tags', user: '/users', token: '/tokens', 'join-token': '/join-tokens' } as const;

function To({ subject, event, children }: { subject: Subject; event: FleetEvent; children: ReactNode }) {
  const { kind, id, name } = subject;
  const deleted = subject.gone ? true : undefined;
  switch (kind) {
    case 'node':
      return (
        <Link to="/nodes/$uuid" params={{ uuid: id }}>
          {children}
        </Link>
      );
    case 'job':
    case 'targets':
      if (!event.node || name === undefined) return children;
      return (
        <Link to="/nodes/$uuid/jobs/$key" params={{ uuid: event.node, key: name }}>
          {children}
        </Link>
      );
    case 'target':
      return (
        <Link to="/targets" search={{ addr: name, target: Number(id), show: 'history', deleted }}>
          {children}
        </Link>
      );
    case 'contact':
      return children;
    default:
      return (
        <Link to={lists[kind]} search={{ id: Number(id), deleted }}>
          {children}
        </Link>
      );
  }
}
