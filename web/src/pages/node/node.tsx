import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api/problem';
import { Copy } from '../../components/copy';
import { Failure } from '../../components/failure';
import { Name, plain } from '../../components/name';
import { useTitle } from '../../components/page';
import { State } from '../../components/state';
import { nodeQuery } from '../../data/nodes';

const tabs = [
  ['/nodes/$uuid', 'overview'],
  ['/nodes/$uuid/health', 'health'],
  ['/nodes/$uuid/jobs', 'jobs'],
  ['/nodes/$uuid/config', 'config'],
  ['/nodes/$uuid/history', 'history'],
  ['/nodes/$uuid/doctor', 'doctor'],
  ['/nodes/$uuid/settings', 'settings'],
] as const;

/** One Prometheus server: its head, and the tabs below it. */
export function NodePage() {
  const { t } = useTranslation();
  const { uuid } = useParams({ from: '/shell/nodes/$uuid' });
  const { data, error, refetch } = useQuery(nodeQuery(uuid));
  useTitle(data?.value.hostname ?? t('nav.fleet'));
  if (error && !data) {
    const gone = error instanceof ApiError && error.status === 404;
    return (
      <>
        <p className="crumb">
          <Link to="/">{t('node.back')}</Link>
        </p>
        {gone && <h1>{t('node.gone')}</h1>}
        <Failure error={error} retry={gone ? undefined : refetch} />
      </>
    );
  }
  const node = data?.value;
  return (
    <>
      <p className="crumb">
        <Link to="/">{t('node.back')}</Link>
      </p>
      <header className="head nodehead">
        <h1>
          <Name of={node?.hostname ?? '…'} />
        </h1>
        {node && (
          <>
            <State of={node.status.state} size={17} />
            <span className="mono spread tight">
              <a href={node.addr} target="_blank" rel="noreferrer noopener">
                <Name of={node.addr} />
              </a>
              <Copy text={node.addr} label={node.addr} />
            </span>
            <span>
              {node.tags?.map((tag) => (
                <span key={tag} className="tag">
                  <Name of={tag} />
                </span>
              ))}
            </span>
          </>
        )}
      </header>
      <nav className="tabs" aria-label={node && plain(node.hostname)}>
        {tabs.map(([to, key]) => (
          <Link key={key} to={to} params={{ uuid }} activeOptions={{ exact: true, includeSearch: false }}>
            {t(`node.${key}`)}
          </Link>
        ))}
      </nav>
      {node && <Outlet />}
    </>
  );
}
