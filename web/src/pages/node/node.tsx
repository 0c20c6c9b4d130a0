import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useMatches, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Copy } from '../../components/copy';
import { Failure } from '../../components/failure';
import { isMissing, Missing } from '../../components/missing';
import { Name, plain } from '../../components/name';
import { titled, useTitle } from '../../components/page';
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

/** The node of an address is not there. */
export function NoNode() {
  const { t } = useTranslation();
  return (
    <Missing title={t('node.gone')} help={t('node.goneHelp')}>
      <Link to="/">{t('error.home')}</Link>
    </Missing>
  );
}

/** One Prometheus server: its head, and the tabs below it. */
export function NodePage() {
  const { t } = useTranslation();
  const { uuid } = useParams({ from: '/shell/nodes/$uuid' });
  const { data, error, refetch } = useQuery(nodeQuery(uuid));
  const place = useMatches({ select: (all) => all.at(-1)?.fullPath });
  const tab = tabs.slice(1).find(([to]) => to === place)?.[1]; // the first is the node itself
  const host = data?.value.hostname;
  useTitle(host ? titled(host, tab && t(`node.${tab}`)) : t('nav.fleet'));
  if (error && !data) {
    if (isMissing(error)) return <NoNode />;
    return (
      <>
        <p className="crumb">
          <Link to="/">{t('node.back')}</Link>
        </p>
        <Failure error={error} retry={refetch} />
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
