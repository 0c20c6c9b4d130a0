import { Button } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../components/failure';
import { Name, plain } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { Ago } from '../../components/time';
import { doctorQuery, type Finding, type NodeDoctor } from '../../data/host';
import { Asking, Unanswered, useLate } from './asking';
import { useNode } from './use-node';
import { bySeverity } from './verdict';
import '../../styles/host.css';

/** A level has one icon and one of the states' colours. */
const looks = {
  failure: { Icon: IconCircleX, state: 'failed' },
  warning: { Icon: IconAlertTriangle, state: 'held' },
  ok: { Icon: IconCircleCheck, state: 'in_sync' },
} as const;

/** What doctor finds on the host, asked of the agent just now. */
export function Doctor() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { data, error, refetch, isFetching } = useQuery(doctorQuery(node.uuid));
  const late = useLate(isFetching);
  return (
    <div className="onhost">
      {error && <Failure error={error} retry={refetch} />}
      {!data && !error && <Asking />}
      {data && (
        <>
          <div className="spread">
            <span className="dim">
              {t('doctor.ran')} <Ago at={data.at} />
            </span>
            <Button className="push" size="compact-sm" variant="default" loading={late} onClick={() => void refetch()}>
              {t('doctor.again')}
            </Button>
          </div>
          {data.agent === 'answered' ? (
            <Findings of={data} />
          ) : (
            <Unanswered agent={data.agent} says={data.agent_says} />
          )}
        </>
      )}
      <p className="dim small">{t('doctor.help')}</p>
      <Same cli={promfleet('node', 'doctor', node.uuid)} api={curl('GET', `/nodes/${node.uuid}/doctor`)} />
    </div>
  );
}

function Findings({ of }: { of: NodeDoctor }) {
  const { t } = useTranslation();
  const worst = of.failures > 0 ? 'failure' : of.warnings > 0 ? 'warning' : 'ok';
  const { Icon, state } = looks[worst];
  const all = of.findings ?? [];
  return (
    <>
      <section className="truth" data-state={state} aria-live="polite">
        <Icon size={20} aria-hidden />
        <div>
          <p>
            <b>{t(`doctor.worst.${worst}`, { count: worst === 'warning' ? of.warnings : of.failures })}</b>{' '}
            <span className="dim">{t('doctor.checks', { count: all.length })}</span>
          </p>
          {of.agent_says && <p className="pre">{plain(of.agent_says)}</p>}
        </div>
      </section>
      {bySeverity(all).map(({ level, findings }) => (
        <section key={level} className="findings">
          <h2>
            {t(`doctor.group.${level}`)} <span className="dim">{findings.length}</span>
          </h2>
          <ul>
            {findings.map((f) => (
              <One key={f.check} of={f} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function One({ of }: { of: Finding }) {
  const { t } = useTranslation();
  const { Icon, state } = looks[of.level];
  return (
    <li>
      <span className="state" data-state={state}>
        <Icon size={15} stroke={2} aria-hidden />
        {t(`doctor.level.${of.level}`)}
      </span>
      <b>
        <Name of={of.check} />
      </b>
      <div>
        <p className="found">{plain(of.found)}</p>
        {of.hint && (
          <p className="found">
            <span className="todo">{t('doctor.todo')}</span> {plain(of.hint)}
          </p>
        )}
      </div>
    </li>
  );
}
