import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { hostOf } from '../data/hosts';
import { Name } from './name';

/** A node's name; its uuid on hover, and until the name is known that nobody knows. */
export function HostName({ uuid }: { uuid: string }) {
  const { t } = useTranslation();
  const { data, isPending } = useQuery(hostOf(uuid));
  return (
    <Name
      of={isPending ? '…' : (data?.hostname ?? uuid)}
      title={data?.deleted ? t('hostName.deleted', { uuid }) : uuid}
      className={data?.deleted ? 'dim' : undefined}
    />
  );
}

/** A node by its name, to go to. */
export function HostLink({ uuid, tabIndex }: { uuid: string; tabIndex?: number }) {
  return (
    <Link to="/nodes/$uuid" params={{ uuid }} tabIndex={tabIndex}>
      <HostName uuid={uuid} />
    </Link>
  );
}
