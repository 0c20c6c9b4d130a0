import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { sentence } from '../../../api/problem';
import { HealthWord } from '../../../components/health';
import { plain } from '../../../components/name';
import { numberText } from '../../../components/number';
import { nodeHealthQuery } from '../../../data/health';
import '../../../styles/nodehealth.css';
import { HealthBar } from './bar';
import { causes, parts, total } from './summary';

/** The health of a node's targets at a glance, and the most frequent reason why scrapes fail. */
export function HealthGlance({ uuid }: { uuid: string }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(nodeHealthQuery(uuid));
  const why = data ? !data.at && (data.agent_says || t('nodeHealth.noAgent')) : error && sentence(error);
  const jobs = data?.jobs ?? [];
  const counts = total(jobs);
  const cause = causes(jobs).all[0];
  return (
    <section className="glance" aria-busy={!data && !error}>
      <h2>
        <Link to="/nodes/$uuid/health" params={{ uuid }}>
          {t('nodeHealth.title')}
        </Link>
      </h2>
      {why && <p className="dim pre">{t('nodeHealth.notKnown', { why: plain(why) })}</p>}
      {!data && !error && (
        <p className="dim" role="status">
          {t('nodeHealth.asking')}
        </p>
      )}
      {data?.at && <HealthBar counts={counts} />}
      {data?.at && (
        <p className="spread">
          {parts
            .filter((p) => p === 'up' || counts[p] > 0)
            .map((p) => (
              <span key={p} className="healthcount">
                <HealthWord of={p} /> <b>{numberText(counts[p])}</b>
              </span>
            ))}
          {cause && (
            <Link
              to="/nodes/$uuid/health"
              params={{ uuid }}
              search={{ job: cause.jobs === 1 && cause.job.job ? cause.job.job : undefined }}
              className="mono cause"
            >
              {numberText(cause.count)} × <bdi>{plain(cause.message)}</bdi>
            </Link>
          )}
        </p>
      )}
    </section>
  );
}
