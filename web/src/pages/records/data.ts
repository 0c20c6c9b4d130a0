import { type QueryKey, queryOptions } from '@tanstack/react-query';
import type { Tagged } from '../../api/client';
import { queryClient } from '../../data/queries';

export const one = (kind: string, id: number): QueryKey => ['records', kind, 'one', id];

/** One record, with its ETag. */
export const oneQuery = <T>(kind: string, id: number, read: (signal?: AbortSignal) => Promise<Tagged<T>>) =>
  queryOptions({ queryKey: one(kind, id), queryFn: ({ signal }) => read(signal) });

/** Has the lists of a kind read again, and what is told of its past; the record itself may be gone. */
export function changed(kind: string): void {
  void queryClient.invalidateQueries({ queryKey: ['records', kind, 'list'] });
  void queryClient.invalidateQueries({ queryKey: ['events'] });
}
