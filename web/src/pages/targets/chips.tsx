import { useTranslation } from 'react-i18next';
import { Name, plain } from '../../components/name';

/** Labels as Prometheus writes them. */
export function Labels({ of }: { of: Record<string, string> }) {
  const entries = Object.entries(of);
  if (entries.length === 0) return null;
  const all = entries.map(([name, value]) => `${plain(name)}="${plain(value)}"`).join(' ');
  return (
    <span title={all}>
      {entries.map(([name, value]) => (
        <span key={name} className="label">
          <Name of={name} />
          <span className="dim">=</span>
          <Name of={JSON.stringify(value)} />
        </span>
      ))}
    </span>
  );
}

/** Tags; pressing one filters by it. */
export function Tags({ of, onTag }: { of: string[] | null; onTag?: (tag: string) => void }) {
  const { t } = useTranslation();
  return of?.map((tag) =>
    onTag ? (
      <button
        key={tag}
        type="button"
        className="tag"
        tabIndex={-1}
        title={t('fleet.filtered', { tag: plain(tag) })}
        onClick={() => onTag(tag)}
      >
        <Name of={tag} />
      </button>
    ) : (
      <span key={tag} className="tag">
        <Name of={tag} />
      </span>
    ),
  );
}
