import { useQuery } from '@tanstack/react-query';
import { Code, Difference } from '../../components/code';

const writer = () => import('../../yaml/write');

/** What writes YAML; the library for it is loaded when it is needed. */
const useWriter = () =>
  useQuery({ queryKey: ['code', 'yaml'], queryFn: writer, staleTime: Number.POSITIVE_INFINITY }).data;

/** A scrape_config to be read. */
export function JobYaml({ label, config }: { label: string; config: unknown }) {
  const write = useWriter();
  return write ? <Code label={label} text={write.writeYaml(config)} /> : null;
}

/** What one state of a job has that another has not. */
export function JobDifference({ label, before, after }: { label: string; before: unknown; after: unknown }) {
  const write = useWriter();
  if (!write) return null;
  return <Difference label={label} before={write.writeJob(before)} after={write.writeJob(after)} />;
}
