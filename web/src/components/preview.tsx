import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodePreview } from '../api/client';
import type { Previews } from '../data/previews';
import { Name } from './name';
import { Unified } from './unified';

/** What a write would do, as the server says it: files, lines, targets, reload or not. */
export function PreviewOf({ preview }: { preview: Previews }) {
  const { t } = useTranslation();
  const nodes = preview.nodes ?? [];
  return (
    <section className="preview" aria-label={t('preview.title')}>
      <h2>{t('preview.title')}</h2>
      {nodes.length === 0 && <p>{t('preview.nothing')}</p>}
      {nodes.map((node) => (
        <OfNode key={node.node} node={node} />
      ))}
      {preview.more > 0 && <p>{t('preview.moreNodes', { count: preview.more })}</p>}
      {preview.each && nodes.length > 0 && <p className="dim">{t('preview.each')}</p>}
      {preview.unseen !== undefined && preview.unseen > 0 && (
        <p>
          <b>{t('preview.unseen', { count: preview.unseen })}</b>
        </p>
      )}
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
      {node.files?.map((file, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: several writes may change one file, each in its way
        <OfFile key={`${i} ${file.path}`} file={file} first={i < 5} />
      ))}
      {node.more_files > 0 && <p>{t('preview.more', { count: node.more_files })}</p>}
    </>
  );
}

type File = NonNullable<NodePreview['files']>[number];

/** A diff that is longer, or is behind many others, is drawn when somebody opens it. */
const longest = 20_000;

function OfFile({ file, first }: { file: File; first: boolean }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(first && file.diff.length <= longest);
  return (
    <details open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary className="mono">
        {file.path} <span className="dim">{t(`preview.${file.action}`)}</span>
      </summary>
      {open && <Unified diff={file.diff} />}
      {open && file.truncated && <p className="dim">{t('preview.truncated')}</p>}
    </details>
  );
}
