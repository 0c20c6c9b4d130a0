import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { HealthWord } from '../../../components/health';
import { Name, plain } from '../../../components/name';
import { numberText } from '../../../components/number';
import { Ago } from '../../../components/time';
import type { DownTarget, JobHealth, NodeHealth } from '../../../data/health';
import { causes } from './summary';

/** A number for a text, as it is written in the language of the browser. */
const written = (count: number) => ({ count, n: numberText(count) });

/** The messages of failed scrapes, each with how many there are and one that has it. */
export function Causes({ jobs, many }: { jobs: JobHealth[]; many: boolean }) {
  const { t } = useTranslation();
  const { all, others } = causes(jobs);
  if (all.length === 0) return null;
  const most = all[0]?.count ?? 1;
  return (
    <section>
      <h3>{t('nodeHealth.causes')}</h3>
      <ol className="causes">
        {all.map((c) => (
          <li key={c.message}>
            <b className="num">{numberText(c.count)}</b>
            <span className="measure" aria-hidden>
              <span style={{ width: `${(100 * c.count) / most}%` }} />
            </span>
            <div>
              <bdi className="mono pre">{plain(c.message)}</bdi>
              <p className="dim small">
                {many && (c.jobs > 1 ? t('nodeHealth.inJobs', { count: c.jobs }) : plain(c.job.job || c.job.job_name))}
                {many && ' · '}
                {t('nodeHealth.as')} <Name of={c.addr} className="mono" />
              </p>
            </div>
          </li>
        ))}
      </ol>
      {others > 0 && <p className="dim">{t('nodeHealth.others', written(others))}</p>}
    </section>
  );
}

/** The first of those that are down or missing; each leads to why. */
export function DownList({ health, many }: { health: NodeHealth; many: boolean }) {
  const { t } = useTranslation();
  const down = health.down ?? [];
  if (down.length === 0) return null;
  return (
    <section>
      <h3>{t('nodeHealth.downList', written(down.length + health.more_down))}</h3>
      <ul className="downlist">
        {down.map((d, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same address may be down twice in a job
          <li key={`${d.job}/${d.addr}/${i}`}>
            <span className="spread">
              <Address of={d} node={health.node} />
              {many && d.job && <span className="dim mono small">{d.job}</span>}
              <span className="push spread small">
                <HealthWord of={d.state} /> {d.at && <Ago at={d.at} />}
              </span>
            </span>
            {d.error && <bdi className="mono small pre dim">{plain(d.error)}</bdi>}
          </li>
        ))}
      </ul>
      {health.more_down > 0 && <p className="dim">{t('nodeHealth.more', written(health.more_down))}</p>}
    </section>
  );
}

function Address({ of, node }: { of: DownTarget; node: string }) {
  const { t } = useTranslation();
  const name = <Name of={of.addr} className="mono" />;
  if (of.id) {
    return (
      <Link to="/targets" search={{ target: of.id, show: 'explain' }} title={t('nodeHealth.why')}>
        {name}
      </Link>
    );
  }
  return (
    <Link to="/explain" search={{ addr: of.addr, node }} title={t('nodeHealth.why')}>
      {name}
    </Link>
  );
}
