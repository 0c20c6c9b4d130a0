import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { RenderedConfig } from '../../api/client';
import { Code } from '../../components/code';
import { Copy } from '../../components/copy';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { configQuery } from './data';
import { bytes } from './files';
import { useNode } from './use-node';

type File = NonNullable<RenderedConfig['files']>[number];

/** What the node should have, as rendered. */
export function Config() {
  const { t, i18n } = useTranslation();
  const { node } = useNode();
  const { data, error, refetch } = useQuery(configQuery(node.uuid));
  if (error) return <Failure error={error} retry={refetch} />;
  if (!data) return null;
  const files = data.files ?? [];
  const applied = node.status.revision_applied;
  const columns: Column<File>[] = [
    { key: 'path', title: t('config.path'), width: 'minmax(160px, 1.2fr)', className: 'mono', cell: (f) => f.path },
    {
      key: 'targets',
      title: t('config.targets'),
      width: '76px',
      className: 'mono num',
      cell: (f) => f.targets.toLocaleString(i18n.language),
    },
    { key: 'size', title: t('config.size'), width: '84px', className: 'mono num', cell: (f) => bytes(f.size) },
    {
      key: 'hash',
      title: t('config.hash'),
      width: 'minmax(110px, 1fr)',
      className: 'mono dim',
      cell: (f) => <span title={f.hash}>{f.hash.slice(0, 16)}</span>,
    },
  ];
  return (
    <div className="side-by-side">
      <section className="beside wide">
        <header className="spread">
          <h2>{t('config.yml')}</h2>
          <span className="dim">{t('config.revision', { revision: data.revision })}</span>
          <span className="dim">
            {applied === data.revision ? t('config.same') : t('config.differs', { revision: applied })}
          </span>
          <span className="push">
            <Copy text={data.prometheus_yml} label="prometheus.yml" />
          </span>
        </header>
        <Code label={t('config.yml')} text={data.prometheus_yml} />
        <p className="dim small">{t('config.secrets')}</p>
      </section>
      <section className="beside">
        <header className="spread">
          <h2>{t('config.files')}</h2>
          <span className="dim">{files.length.toLocaleString(i18n.language)}</span>
        </header>
        <Grid
          label={t('config.files')}
          columns={columns}
          rows={files}
          total={files.length}
          rowKey={(f) => f.path.replaceAll('/', '-')}
        />
      </section>
    </div>
  );
}
