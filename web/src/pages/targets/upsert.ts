import { api, ok, type Preview } from '../../api/client';
import { ApiError } from '../../api/problem';
import type { components } from '../../api/schema';
import { placeOf, type Sheet } from './rows';

export type SetChange = components['schemas']['TargetSetChange'];

const send = (job: number, body: Blob, dry: boolean) =>
  ok(
    api.POST('/api/v1/jobs/{id}/targets', {
      params: { path: { id: job }, query: { dry_run: dry } },
      body: body as unknown as string, // it goes as it is
      bodySerializer: (b) => b as unknown as Blob,
      headers: { 'Content-Type': 'application/x-ndjson' },
    }),
  );

export const previewUpsert = (job: number, body: Blob) => send(job, body, true) as Promise<Preview>;
export const writeUpsert = (job: number, body: Blob) => send(job, body, false) as Promise<SetChange>;

/** Marks the rows that the server refuses; false: it says nothing of rows. */
export function markRefused(error: unknown, sheet: Sheet, rows: number[]): boolean {
  if (!(error instanceof ApiError)) return false;
  let marked = false;
  for (const f of error.fields) {
    const place = placeOf(f.location, rows);
    if (!place) continue;
    const label = /\.labels\.(.+)$/.exec(f.location)?.[1];
    sheet.refuse(place.row, { field: place.field, message: label ? `${label}: ${f.message}` : f.message });
    marked = true;
  }
  return marked;
}
