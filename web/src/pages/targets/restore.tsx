import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Danger } from '../../components/danger';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { previewEach } from '../../data/previews';
import { queryClient } from '../../data/queries';
import { jobOf, previewRestore, restoreTarget } from './data';

interface Props {
  ids: number[];
  close: () => void;
  /** These are restored, on these nodes; the others are not, if one of them was refused. */
  done: (ids: number[], nodes: string[]) => void;
}

/** Brings back targets that were deleted, once one has seen what is scraped again. */
export function Restore({ ids, close, done }: Props) {
  const { t } = useTranslation();
  const back = useRef(new Set<number>()); // another try goes on from there
  const run = async () => {
    const nodes = new Set<string>();
    try {
      for (const id of ids) {
        if (back.current.has(id)) continue;
        const target = await restoreTarget(id);
        back.current.add(id);
        const job = await queryClient.ensureQueryData(jobOf(target.job)).catch(() => null);
        if (job) nodes.add(job.node);
      }
    } finally {
      done([...back.current], [...nodes]);
    }
  };
  return (
    <Danger
      calm
      close={close}
      title={t('targets.restoreTitle', { count: ids.length })}
      action={t('targets.restore')}
      preview={() => previewEach(ids, previewRestore)}
      run={run}
    >
      <p>{t('targets.restoreHelp')}</p>
      <Same cli={promfleet('target', 'restore', ids[0] ?? 0)} api={curl('POST', `/targets/${ids[0]}/restore`)} />
    </Danger>
  );
}
