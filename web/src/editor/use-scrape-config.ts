import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Preview } from '../api/client';
import { ApiError } from '../api/problem';
import { placeOf } from '../yaml/place';
import { type Fault, hasComments, readYaml, toJson } from '../yaml/read';
import type { Fields } from '../yaml/schema';

const nothing: Fault[] = [];

/** How long one may pause before what was typed is tried. */
const pause = 300;

/** Above this length, in characters, a text is read when one pauses, and not at every key. */
const long = 20_000;

/** What a text is: the JSON to send, or what keeps it from being any. late: it is not read yet. */
export function useScrapeConfig(text: string, fields: Fields) {
  const [paused] = useDebouncedValue(text, pause);
  const seen = text.length > long ? paused : text;
  const read = useMemo(() => {
    const { doc, faults } = readYaml(seen);
    if (faults.length > 0) return { doc, faults, comments: false };
    const made = toJson(doc, fields);
    if ('fault' in made) return { doc, faults: [made.fault], comments: false };
    return { doc, faults: nothing, json: made.json, comments: hasComments(doc) };
  }, [seen, fields]);
  return useMemo(() => ({ ...read, late: seen !== text }), [read, seen, text]);
}

type Config = ReturnType<typeof useScrapeConfig>;

/**
 * Tries a write while it is typed: what it would do, or why it is refused. Only what
 * was tried may be saved. body is the whole of what would be sent; undefined: nothing is to be tried.
 */
export function useDryRun(
  key: unknown[],
  body: string | undefined,
  run: (body: string, signal: AbortSignal) => Promise<Preview>,
) {
  const [settled] = useDebouncedValue(body, pause);
  const tried = useQuery({
    queryKey: ['dry-run', ...key, settled],
    queryFn: ({ signal }) => run(settled ?? '', signal),
    enabled: settled !== undefined && body !== undefined,
    retry: false,
    staleTime: 30_000,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
  });
  const current = body !== undefined && settled === body && !tried.isFetching;
  return {
    preview: current ? tried.data : undefined,
    error: current ? tried.error : null,
    pending: body !== undefined && !current,
    again: () => void tried.refetch(),
  };
}

/** What is wrong with the scrape_config, where; and what the server says of anything else. */
export function faultsOf(config: Config, text: string, error: unknown): Fault[] {
  if (config.faults.length > 0 || !(error instanceof ApiError)) return config.faults;
  return error.fields
    .filter((f) => f.location.startsWith('body.scrape_config'))
    .map((f) => placeOf(config.doc, text, f.location, f.message));
}
