import { Button, Popover } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../components/failure';
import { Name } from '../../components/name';
import { tell } from '../../components/tell';
import { changeJob, type JobRead } from '../../data/jobs';

/** That a job, or its targets, are what files say, and what that means for who wants to edit. */
export function Managed({ read, editable }: { read: JobRead; editable: boolean }) {
  const { t } = useTranslation();
  const { job } = read;
  const [opened, setOpened] = useState(false);
  const release = useMutation({
    mutationFn: () => changeJob(read, { managed_by: '', targets_managed_by: '' }),
    onSuccess: () => {
      setOpened(false);
      tell(t('job.released'));
    },
  });
  const manager = job.managed_by || job.targets_managed_by;
  if (!manager) return null;
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" width={420} withArrow trapFocus shadow="md">
      <Popover.Target>
        <button type="button" className="tag managed" onClick={() => setOpened((o) => !o)}>
          <IconLock size={12} aria-hidden /> {t(job.managed_by ? 'job.managed' : 'job.targetsManaged')}{' '}
          <Name of={manager} />
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className="stack">
          <p>{t(job.managed_by ? 'job.managedHelp' : 'job.targetsManagedHelp')}</p>
          {editable && (
            <>
              <p className="dim">{t('job.releaseHelp')}</p>
              <Failure error={release.error} />
              <Button
                className="start"
                size="compact-sm"
                variant="default"
                loading={release.isPending}
                onClick={() => release.mutate()}
              >
                {t('job.release')}
              </Button>
            </>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
