import { useTranslation } from 'react-i18next';
import { type Counts, parts, sum } from './summary';

/** How many targets are up, down and so on, drawn; what it shows stands beside it as numbers. */
export function HealthBar({ counts }: { counts: Counts }) {
  const { t } = useTranslation();
  const all = sum(counts);
  const some = parts.filter((p) => counts[p] > 0);
  const label = some.map((p) => t(`nodeHealth.count.${p}`, { count: counts[p] })).join(', ');
  return (
    <span className="healthbar" role="img" aria-label={label || t('nodeHealth.noTargets')} title={label || undefined}>
      {all > 0 &&
        some.map((p) => (
          // No part is too small to be seen.
          <span key={p} data-health={p} style={{ flexGrow: counts[p] / all }} />
        ))}
    </span>
  );
}
