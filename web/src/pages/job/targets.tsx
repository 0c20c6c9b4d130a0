import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { TargetSearch } from '../../router';
import { TargetsView } from '../targets/view';
import { useJob } from './use-job';

/** The targets of one job. */
export function JobTargets() {
  const { job } = useJob();
  const search = useSearch({ from: '/shell/nodes/$uuid/jobs/$key/' });
  const navigate = useNavigate({ from: '/nodes/$uuid/jobs/$key/' });
  const set = useCallback(
    (change: Partial<TargetSearch>, replace = false) =>
      // Whoever changes it on the page was asked there, if that leaves an edit.
      void navigate({ search: (old: TargetSearch) => ({ ...old, ...change }), replace, ignoreBlocker: true }),
    [navigate],
  );
  return <TargetsView key={job.id} search={search} set={set} job={job} />;
}
