import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { Failure } from '../../components/failure';
import type { TargetSearch } from '../../router';
import { jobNamed } from '../targets/data';
import { TargetsView } from '../targets/view';

/** The targets of one job. */
export function JobTargets() {
  const { uuid, key } = useParams({ from: '/shell/nodes/$uuid/jobs/$key' });
  const search = useSearch({ from: '/shell/nodes/$uuid/jobs/$key/' });
  const navigate = useNavigate({ from: '/nodes/$uuid/jobs/$key/' });
  const job = useQuery(jobNamed(uuid, key));
  const set = useCallback(
    (change: Partial<TargetSearch>, replace = false) =>
      void navigate({ search: (old: TargetSearch) => ({ ...old, ...change }), replace }),
    [navigate],
  );
  if (!job.data) return <Failure error={job.error} retry={job.refetch} />; // of a job that is not there, the frame tells
  return <TargetsView key={job.data.id} search={search} set={set} job={job.data} />;
}
