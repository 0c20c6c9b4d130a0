import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorOf, Unreachable, unread } from '../api/problem';
import { reachable } from '../data/connection';
import { basePath } from '../page';
import { Fields, type Schema } from '../yaml/schema';
import { learnChinese } from './describe';

/** The fields of a scrape_config, as the server knows them of its Prometheus. */
export function useFields() {
  // Beside them, so that an editor opens without its Chinese texts, and stays open where another language is chosen.
  const { i18n } = useTranslation();
  useQuery({
    queryKey: ['code', 'fields', 'zh'],
    queryFn: () => learnChinese(i18n),
    enabled: i18n.resolvedLanguage === 'zh',
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
  return useQuery({
    queryKey: ['code', 'fields'],
    queryFn: async ({ signal }) => {
      const answer = await fetch(`${basePath}/api/v1/fleetfile.schema.json`, { signal }).catch((error: unknown) => {
        if (signal.aborted) throw error;
        reachable(false);
        throw new Unreachable();
      });
      if (!answer.ok) throw errorOf(answer.status, undefined, answer.headers.get('Retry-After'));
      return Fields.ofScrapeConfig((await answer.json().catch(unread)) as Schema);
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
}
