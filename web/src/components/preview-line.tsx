import '../styles/previewline.css';
import { IconCircleCheck, IconCircleDashed, IconCircleX, IconLoader2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Preview } from '../api/client';
import { useKept } from '../data/dry-run';
import { plain } from './name';
import { PreviewOf } from './preview';

interface Props {
  /** What saving would do; undefined: it is not known yet, or refused. */
  preview?: Preview;
  pending: boolean;
  /** There is nothing to save, and this is why. */
  idle?: string;
  /** All of it is shown, with the diffs. */
  whole: boolean;
  setWhole: (whole: boolean) => void;
}

const icons = { none: IconCircleDashed, pending: IconLoader2, good: IconCircleCheck, bad: IconCircleX };

/** What saving would do, in one line while one types; all of it is a click away. */
export function PreviewLine({ preview, pending, idle, whole, setWhole }: Props) {
  const { t } = useTranslation();
  const kept = useKept(preview, pending);
  const state = idle !== undefined ? 'none' : pending ? 'pending' : preview ? 'good' : 'bad';
  const shown = state === 'good' ? preview : state === 'pending' ? kept : undefined;
  const Icon = icons[state];
  const line = (
    <>
      <Icon size={15} aria-hidden />
      <span role="status" className="spread">
        {shown ? <Said preview={shown} /> : <span>{idle ?? t(`editor.state.${state}`)}</span>}
      </span>
    </>
  );
  if (!shown?.nodes?.length) {
    return (
      <p className="previewline" data-state={state}>
        {line}
      </p>
    );
  }
  return (
    <details className="previewline" data-state={state} open={whole} onToggle={(e) => setWhole(e.currentTarget.open)}>
      <summary>{line}</summary>
      {whole && <PreviewOf preview={shown} />}
    </details>
  );
}

/** Files, targets that come and go, reload or not. */
function Said({ preview }: { preview: Preview }) {
  const { t } = useTranslation();
  const nodes = preview.nodes ?? [];
  const sum = (of: 'targets_added' | 'targets_removed' | 'targets_changed') => nodes.reduce((n, p) => n + p[of], 0);
  const files = nodes.flatMap((n) => n.files ?? []);
  const more = nodes.reduce((n, p) => n + p.more_files, 0) + files.length - 1;
  const [added, removed, changed] = [sum('targets_added'), sum('targets_removed'), sum('targets_changed')];
  if (nodes.length === 0) return <span>{t('preview.nothing')}</span>;
  return (
    <>
      {added > 0 && <b>{t('preview.added', { count: added })}</b>}
      {removed > 0 && <b className="downs">{t('preview.removed', { count: removed })}</b>}
      {changed > 0 && <b>{t('preview.changed', { count: changed })}</b>}
      <span className="mono">{plain(files[0]?.path ?? '')}</span>
      {more > 0 && <span>{t('preview.more', { count: more })}</span>}
      <span>{nodes.some((n) => n.reload) ? t('preview.reload') : t('preview.noReload')}</span>
    </>
  );
}
