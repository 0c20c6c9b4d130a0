import { useTranslation } from 'react-i18next';
import type { NodeState } from '../api/client';
import { stateIcons } from '../state/states';

/** A state: its word, its colour and its icon, the same everywhere. */
export function State({ of, size = 15 }: { of: NodeState; size?: number }) {
  const { t } = useTranslation();
  const Icon = stateIcons[of];
  return (
    <span className="state" data-state={of} title={t(`stateHelp.${of}`)}>
      <Icon size={size} stroke={2} aria-hidden />
      {t(`state.${of}`)}
    </span>
  );
}
