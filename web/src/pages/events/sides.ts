import type { FleetEvent } from '../../api/client';
import { yamlOf } from './yaml';

/** What the server sets of every record by itself: it goes along with each change and tells nothing of it. */
const own = ['id', 'created_at', 'updated_at', 'version'];

/** The record before and after an event, line by line; without what the server sets, unless that is all that differs. */
export function sidesOf({ before, after }: FleetEvent): { before: string[]; after: string[] } {
  const bare = { before: yamlOf(without(before, own)), after: yamlOf(without(after, own)) };
  const same = bare.before.join('\n') === bare.after.join('\n');
  return same ? { before: yamlOf(before), after: yamlOf(after) } : bare;
}

/** A record without some of its fields; those among a set keep their id, which tells them apart. */
function without(value: unknown, fields: string[]): unknown {
  if (Array.isArray(value))
    return value.map((item) =>
      without(
        item,
        fields.filter((f) => f !== 'id'),
      ),
    );
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !fields.includes(name))
      .map(([name, item]) => [name, name === 'targets' ? without(item, fields) : item]),
  );
}
