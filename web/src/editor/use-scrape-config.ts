import { useDebouncedValue } from '@mantine/hooks';
import { useMemo } from 'react';
import { ApiError } from '../api/problem';
import { pause } from '../data/dry-run';
import { placeOf } from '../yaml/place';
import { type Fault, hasComments, readYaml, toJson } from '../yaml/read';
import type { Fields } from '../yaml/schema';

const nothing: Fault[] = [];

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

/** What is wrong with the scrape_config, where; and what the server says of anything else. */
export function faultsOf(config: Config, text: string, error: unknown): Fault[] {
  if (config.faults.length > 0 || !(error instanceof ApiError)) return config.faults;
  return error.fields
    .filter((f) => f.location.startsWith('body.scrape_config'))
    .map((f) => placeOf(config.doc, text, f.location, f.message));
}
