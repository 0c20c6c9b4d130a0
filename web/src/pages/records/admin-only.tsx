import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Head, useTitle } from '../../components/page';
import { isAdmin, useSession } from '../../data/session';

/** A page of admins: others are told so, and nothing is asked of the server. */
export function AdminOnly({ kind, children }: { kind: string; children: ReactNode }) {
  const { t } = useTranslation();
  const session = useSession().data;
  useTitle(t(`${kind}.title`));
  if (!session) return null;
  if (isAdmin(session)) return children;
  return (
    <>
      <Head title={t(`${kind}.title`)} />
      <p className="dim">{t('record.adminOnly', { role: t(`role.${session.role}`) })}</p>
    </>
  );
}
