import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { RenderedConfig } from '../../api/client';
import { Code } from '../../components/code';
import { Copy } from '../../components/copy';
import { Failure } from '../../components/failure';
import { type Column, Grid } from '../../components/grid';
import { numberText } from '../../components/number';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import type { ConfigSearch } from '../../router';
import { configQuery } from './data';
import { bytes } from './files';
import { Loaded } from './loaded';
import { useNode } from './use-node';
import '../../styles/host.css';

type File = NonNullable<RenderedConfig['files']>[number];

/** What the node should have: as rendered now, against what is loaded, and file by file. */
export function Config() {
  const { t } = useTranslation();
  const { view } = useSearch({ from: '/shell/nodes/$uuid/config' });
  const navigate = useNavigate({ from: '/nodes/$uuid/config' });
  return (
    <div className="onhost">
      <SegmentedControl
        className="start"
        size="xs"
        aria-label={t('loaded.view')}
        value={view ?? 'rendered'}
        onChange={(v) =>
          void navigate({ search: { view: v === 'rendered' ? undefined : (v as ConfigSearch['view']) }, replace: true })
        }
        data={[
          { value: 'rendered', label: t('loaded.rendered') },
          { value: 'loaded', label: t('loaded.against') },
          { value: 'files', label: t('loaded.files') },
        ]}
      />
      {view === 'loaded' ? <Loaded /> : <Rendered files={view === 'files'} />}
    </div>
  );
}

/** What the server makes of the node's records now. */
function Rendered({ files }: { files: boolean }) {
  const { t } = useTranslation();
  const { node } = useNode();
  const { data, error, refetch } = useQuery(configQuery(node.uuid));
  if (error) return <Failure error={error} retry={refetch} />;
  if (!data) return null;
  const applied = node.status.revision_applied;
  return (
    <>
      <header className="spread">
        <h2>{files ? t('config.files') : t('config.yml')}</h2>
        <span className="dim">{t('config.revision', { revision: data.revision })}</span>
        <span className="dim">
          {applied === data.revision ? t('config.same') : t('config.differs', { revision: applied })}
        </span>
        {!files && (
          <span className="push">
            <Copy text={data.prometheus_yml} label="prometheus.yml" />
          </span>
        )}
      </header>
      {files ? (
        <Files files={data.files ?? []} />
      ) : (
        <>
          <Code label={t('config.yml')} text={data.prometheus_yml} />
          <p className="dim small">{t('config.secrets')}</p>
        </>
      )}
      <Same cli={promfleet('node', 'config', node.uuid)} api={curl('GET', `/nodes/${node.uuid}/config`)} />
    </>
  );
}

function Files({ files }: { files: File[] }) {
  const { t } = useTranslation();
  const columns: Column<File>[] = [
    { key: 'path', title: t('config.path'), width: 'minmax(160px, 1.2fr)', className: 'mono', cell: (f) => f.path },
    {
      key: 'targets',
      title: t('config.targets'),
      width: '96px',
      className: 'mono num',
      cell: (f) => numberText(f.targets),
    },
    { key: 'size', title: t('config.size'), width: '96px', className: 'mono num', cell: (f) => bytes(f.size) },
    {
      key: 'hash',
      title: t('config.hash'),
      width: 'minmax(110px, 1fr)',
      className: 'mono dim',
      cell: (f) => <span title={f.hash}>{f.hash.slice(0, 16)}</span>,
    },
  ];
  return (
    <Grid
      label={t('config.files')}
      columns={columns}
      rows={files}
      total={files.length}
      rowKey={(f) => f.path.replaceAll('/', '-')}
    />
  );
}
