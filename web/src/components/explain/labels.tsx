import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { plain } from '../name';
import { isPlainLabel, sortedLabels } from './links';

/** Labels as Prometheus writes them; its own (__…) only when they are asked for. */
export function Labels({ of }: { of?: Record<string, string> | null }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const sorted = sortedLabels(of ?? {});
  const seen = sorted.filter(([name]) => all || isPlainLabel(name));
  const hidden = sorted.length - seen.length;
  if (sorted.length === 0) return <p className="dim">{t('explain.noLabels')}</p>;
  return (
    <p className="labels">
      {seen.map(([name, value]) => (
        <LabelOf key={name} name={name} value={value} />
      ))}
      {(hidden > 0 || all) && (
        <button type="button" className="link small" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('explain.fewer') : t('explain.hidden', { count: hidden })}
        </button>
      )}
    </p>
  );
}

function LabelOf({ name, value }: { name: string; value: string }) {
  return (
    <bdi className="label">
      {plain(name)}
      <span className="dim">=</span>
      {plain(JSON.stringify(value))}
    </bdi>
  );
}

/** A label's value before and after a step. */
export function Change({ label, before, after }: { label: string; before: string; after: string }) {
  return (
    <span className="change">
      <bdi>{plain(label)}</bdi>
      <Value of={before} />
      <span aria-hidden>→</span>
      <Value of={after} />
    </span>
  );
}

/** An absent label has no value, and Prometheus takes an empty one for absent. */
function Value({ of }: { of: string }) {
  const { t } = useTranslation();
  if (of === '') return <i className="dim">{t('explain.absent')}</i>;
  return <bdi>{plain(JSON.stringify(of))}</bdi>;
}
