import { useNavigate, useSearch } from '@tanstack/react-router';
import type { RecordSearch } from '../../router';

/** A list of records as the address says it, and how it changes that. */
export function useRecordSearch() {
  const search: RecordSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const set = (change: Partial<RecordSearch>, replace = true) =>
    void navigate({ to: '.', search: (old: RecordSearch) => ({ ...old, ...change }), replace });
  return { search, set };
}
