import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job, Node } from '../../api/client';
import { sentence } from '../../api/problem';
import { Danger } from '../../components/danger';
import { Name, plain } from '../../components/name';
import { tell } from '../../components/tell';
import { follow } from '../../data/following';
import { deleteJob, type JobRead, removalOf, restoreJob } from '../../data/jobs';
import i18next from '../../i18n';

/** Says that a job is gone, and takes it back by one click. */
function tellGone(job: Job): void {
  const id = `deleted-${job.id}`;
  const undo = () => {
    notifications.hide(id);
    restoreJob(job).then(
      () => {
        follow(job.node);
        tell(i18next.t('job.restored', { key: job.key }));
      },
      (error: unknown) => tell(plain(sentence(error))),
    );
  };
  notifications.show({
    id,
    autoClose: 15_000,
    closeButtonProps: { 'aria-label': i18next.t('app.close') },
    message: (
      <span className="spread">
        {i18next.t('job.deleted', { key: job.key })}
        <Button size="compact-xs" variant="default" onClick={undo}>
          {i18next.t('job.undo')}
        </Button>
      </span>
    ),
  });
}

/** Deletes a job, once somebody has read what stops being scraped and typed its key. */
export function Delete({ read, node }: { read: JobRead; node?: Node }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const { job } = read;
  return (
    <>
      <Button color="red" variant="light" size="compact-sm" className="push" onClick={() => setOpened(true)}>
        {t('job.delete')}
      </Button>
      {opened && (
        <Danger
          close={() => setOpened(false)}
          title={t('job.deleteTitle', { key: job.key })}
          name={job.key}
          action={t('job.delete')}
          preview={() => removalOf(job.id)}
          run={() => deleteJob(read)}
          done={() => {
            follow(job.node);
            tellGone(job);
          }}
        >
          <p className="wrap">
            {t('job.deleteHelp')} <Name of={node?.hostname ?? job.node} />
          </p>
        </Danger>
      )}
    </>
  );
}
