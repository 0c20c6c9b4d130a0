import { useTranslation } from 'react-i18next';
import type { NodePreview, Preview } from '../api/client';
import { Name } from './name';
import { Unified } from './unified';

/** What a write would do, as the server says it: files, lines, targets, reload or not. */
export function PreviewOf({ preview }: { preview: Preview }) {
  const { t } = useTranslation();
  const nodes = preview.nodes ?? [];
  return (
    <section className="preview" aria-label={t('preview.title')}>
      <h2>{t('preview.title')}</h2>
      {nodes.length === 0 && <p>{t('preview.nothing')}</p>}
      {nodes.map((node) => (
        <OfNode key={node.node} node={node} />
      ))}
    </section>
  );
}

function OfNode({ node }: { node: NodePreview }) {
  const { t } = useTranslation();
  return (
    <>
      <p className="spread">
        <b>
          <Name of={node.hostname} />
        </b>
        <span>{node.reload ? t('preview.reload') : t('preview.noReload')}</span>
        {node.targets_added > 0 && <span>{t('preview.added', { count: node.targets_added })}</span>}
        {node.targets_removed > 0 && (
          <span className="downs">{t('preview.removed', { count: node.targets_removed })}</span>
        )}
        {node.targets_changed > 0 && <span>{t('preview.changed', { count: node.targets_changed })}</span>}
      </p>
      {node.files?.map((file) => (
        <details key={file.path} open>
          <summary className="mono">
            {file.path} <span className="dim">{t(`preview.${file.action}`)}</span>
          </summary>
          <Unified diff={file.diff} />
          {file.truncated && <p className="dim">{t('preview.truncated')}</p>}
        </details>
      ))}
      {node.more_files > 0 && <p>{t('preview.more', { count: node.more_files })}</p>}
    </>
  );
}
