import { IconCircleCheck, IconCircleDashed, IconCircleX, IconLoader2, IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Preview } from '../api/client';
import { ApiError, Unreachable } from '../api/problem';
import { Failure } from '../components/failure';
import { PreviewOf } from '../components/preview';
import { useKept } from '../data/dry-run';

interface Props {
  dirty: boolean;
  changed: boolean;
  /** Something is marked in the text. */
  faults: boolean;
  pending: boolean;
  preview?: Preview;
  error: unknown;
  /** Places in the body whose fields say themselves what is wrong with them. */
  told?: string[];
  again: () => void;
}

/** What saving would do, while one types. */
export function Effect({ dirty, changed, faults, pending, preview, error, told, again }: Props) {
  const { t } = useTranslation();
  const kept = useKept(preview, pending);
  const away = error instanceof Unreachable;
  const state = faults
    ? 'bad'
    : pending
      ? 'pending'
      : away
        ? 'away'
        : error
          ? 'bad'
          : !dirty
            ? 'none'
            : !changed
              ? 'same'
              : 'good';
  const Icon = {
    bad: IconCircleX,
    pending: IconLoader2,
    away: IconPlugConnectedX,
    none: IconCircleDashed,
    same: IconCircleDashed,
    good: IconCircleCheck,
  }[state];
  // What the marks do not say is said here.
  const rest =
    error instanceof ApiError && error.fields.some((f) => f.location.startsWith('body.scrape_config')) ? null : error;
  return (
    <>
      <p className="verdict" data-verdict={state} role="status">
        <Icon size={17} aria-hidden /> {t(state === 'away' ? 'error.notTried' : `editor.state.${state}`)}
      </p>
      {state === 'none' && <p className="dim">{t('editor.hint')}</p>}
      {!faults && !away && <Failure error={rest} told={told} retry={again} />}
      {kept && changed && !faults && !error && (
        <div className="keptpreview" data-pending={pending || undefined}>
          <PreviewOf preview={kept} />
        </div>
      )}
    </>
  );
}
