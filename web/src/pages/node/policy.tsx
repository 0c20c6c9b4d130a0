import { useTranslation } from 'react-i18next';
import type { Node } from '../../api/client';
import { Name } from '../../components/name';
import { numberText } from '../../components/number';
import { bytes } from './files';

/** What the host's owner allows, as its agent says it; nobody changes it from here. */
export function HostPolicy({ node }: { node: Node }) {
  const { t } = useTranslation();
  const { policy } = node.status;
  if (!policy)
    return (
      <section className="stack">
        <h2>{t('policy.title')}</h2>
        <p className="dim">{t('policy.unknown')}</p>
      </section>
    );
  return (
    <section className="stack">
      <h2>{t('policy.title')}</h2>
      <p className="dim">{t('policy.help')}</p>
      <dl className="facts">
        <dt>{t('policy.file')}</dt>
        <dd className={policy.file ? 'mono wrap' : undefined}>
          {policy.file ? <Name of={policy.file} /> : t('policy.default')}
        </dd>
        <dt>{t('policy.read')}</dt>
        <dd>
          <Paths of={policy.allow_paths} />
        </dd>
        <dt>{t('policy.write')}</dt>
        <dd>
          <Paths of={policy.allow_write_paths} />
        </dd>
        <dt>{t('policy.removal')}</dt>
        <dd>
          {t(`policy.removalOver.${policy.removal_confirm}`, {
            percent: policy.max_removal_percent,
            targets: numberText(policy.removal_min_targets),
          })}
        </dd>
        <dt>{t('policy.size')}</dt>
        <dd>{bytes(policy.max_bytes)}</dd>
        <dt>{t('policy.drift')}</dt>
        <dd>{t(`policy.driftIs.${policy.drift}`)}</dd>
      </dl>
    </section>
  );
}

function Paths({ of }: { of: string[] | null }) {
  const { t } = useTranslation();
  if (!of?.length) return <span className="dim">{t('policy.none')}</span>;
  return (
    <ul className="plain mono">
      {of.map((path) => (
        <li key={path} className="wrap">
          <Name of={path} />
        </li>
      ))}
    </ul>
  );
}
