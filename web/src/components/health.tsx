import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleX,
  IconClockPause,
  IconEyeOff,
  IconFilterX,
  IconGitMerge,
  IconHelpCircle,
  IconProgressDown,
  type TablerIcon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { HealthState, TargetHealth } from '../data/health';
import '../styles/health.css';
import { plain } from './name';
import { absolute, duration } from './time';

/** Each has one word (locales: health.state.*), one colour (health.css) and one icon. */
export const healthIcons: Record<HealthState, TablerIcon> = {
  down: IconCircleX,
  missing: IconAlertTriangle,
  not_loaded: IconProgressDown,
  unknown: IconClockPause,
  dropped: IconFilterX,
  hidden: IconEyeOff,
  merged: IconGitMerge,
  not_known: IconHelpCircle,
  up: IconCircleCheck,
};

/** The word for a state of a target. */
export function HealthWord({ of, title }: { of: HealthState; title?: string }) {
  const { t } = useTranslation();
  const Icon = healthIcons[of];
  return (
    <span className="health" data-health={of} title={title ?? t(`health.help.${of}`)}>
      <Icon size={15} stroke={2} aria-hidden />
      <span>{t(`health.state.${of}`)}</span>
    </span>
  );
}

/**
 * What has become of a target; undefined: not known yet. With text, the error stands
 * beside it, and not only on hover.
 */
export function Health({ of, text = false }: { of: TargetHealth | undefined; text?: boolean }) {
  const { t, i18n } = useTranslation();
  if (!of) {
    return (
      <span className="health" data-health="waits" role="img" aria-label={t('health.waits')}>
        <span aria-hidden>…</span>
      </span>
    );
  }
  const said = [
    of.error ? plain(of.error) : t(`health.help.${of.state}`),
    of.at
      ? t('health.scraped', { at: absolute(of.at, i18n.language), seconds: duration((of.seconds ?? 0) * 1000) })
      : undefined,
  ];
  const title = said.filter(Boolean).join('\n');
  if (!text || !of.error) return <HealthWord of={of.state} title={title} />;
  return (
    <span className="healthline">
      <HealthWord of={of.state} title={title} />
      <bdi className="mono dim" title={title}>
        {plain(of.error)}
      </bdi>
    </span>
  );
}
