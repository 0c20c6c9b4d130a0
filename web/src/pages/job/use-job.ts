import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type JobRead, jobQuery } from '../../data/jobs';

/** The job of the page, which JobPage has read already. */
export function useJob(): JobRead {
  const { uuid, key } = useParams({ from: '/shell/nodes/$uuid/jobs/$key' });
  const { data } = useSuspenseQuery(jobQuery(uuid, key));
  if (!data) throw new Error('JobPage shows no tab of a job that is not there');
  return data;
}
