import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job, Node } from '../../api/client';
import { Danger } from '../../components/danger';
import { Followed } from '../../components/followed';
import { Name } from '../../components/name';
import { tell } from '../../components/tell';
import { Ago } from '../../components/time';
import { follow } from '../../data/following';
import { restorationOf, restoreJob } from '../../data/jobs';
import { mayEdit, useSession } from '../../data/session';
import { JobYaml } from './jobyaml';

/** A job that was deleted: what it was, and the way back. */
export function Gone({ job, node, crumbs }: { job: Job; node?: Node; crumbs: ReactNode }) {
  const { t } = useTranslation();
  const editable = mayEdit(useSession().data);
  const [opened, setOpened] = useState(false);
  return (
    <>
      {crumbs}
      <header className="head nodehead jobhead">
        <h1 className="mono">
          <Name of={job.key} />
        </h1>
        <span className="tag">
          {t('job.isDeleted')} <Ago at={job.deleted_at} />
        </span>
        {job.remark && <Name of={job.remark} />}
      </header>
      {node && <Followed node={node} />}
      <div className="stack gone">
        <p>{t('job.goneHelp')}</p>
        <div className="spread">
          {editable && <Button onClick={() => setOpened(true)}>{t('job.restore')}</Button>}
          <Link to="/nodes/$uuid/jobs" params={{ uuid: job.node }}>
            {t('job.others')}
          </Link>
        </div>
        <h2>{t('job.was')}</h2>
        <JobYaml label={t('job.was')} config={job.scrape_config} />
      </div>
      {opened && (
        <Danger
          calm
          close={() => setOpened(false)}
          title={t('job.restoreTitle', { key: job.key })}
          action={t('job.restore')}
          preview={() => restorationOf(job.id)}
          run={() => restoreJob(job)}
          done={() => {
            follow(job.node);
            tell(t('job.restored', { key: job.key }));
          }}
        />
      )}
    </>
  );
}
