import { useQuery } from '@tanstack/react-query';
import { basePath } from '../page';
import { Fields, type Schema } from '../yaml/schema';

/** The fields of a scrape_config, as the server knows them of its Prometheus. */
export function useFields(): Fields | undefined {
  const { data } = useQuery({
    queryKey: ['code', 'fields'],
    queryFn: async ({ signal }) => {
      const answer = await fetch(`${basePath}/api/v1/fleetfile.schema.json`, { signal });
      if (!answer.ok) throw new Error(`the server answered with ${answer.status}`);
      return Fields.ofScrapeConfig((await answer.json()) as Schema);
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
  return data;
}
