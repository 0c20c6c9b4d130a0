import { useDebouncedCallback } from '@mantine/hooks';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { type RefObject, useEffect, useMemo, useRef } from 'react';
import { type Row, rowOf, rowText } from './row';

export interface RowAddress {
  /** The row that the address names, until it is found, or somebody moves. */
  sought: RefObject<Row | undefined>;
  /** Says which row the keys are at; it counts once they have come to rest. */
  tell: (row?: Row) => void;
  /** What was said last counts now: the page is being left. */
  flush: () => void;
}

/** The row of a table that the keys are at, as the address has it. */
export function useRow(): RowAddress {
  const row = useSearch({ strict: false, select: (s) => (s as { row?: string }).row });
  const navigate = useNavigate();
  const { history } = useRouter();
  const sought = useRef(rowOf(row));
  const latest = useRef(row);
  latest.current = row;
  const mine = useRef(new Set<string>()); // what was said here, and has not come back
  const write = useDebouncedCallback((now: string | undefined, path: string) => {
    if (now === latest.current || path !== window.location.pathname) return;
    if (now) mine.current.add(now);
    void navigate({
      to: '.',
      search: (old: object) => ({ ...old, row: now }),
      replace: true,
      resetScroll: false,
    });
  }, 200);
  useEffect(() => {
    if (row !== undefined && !mine.current.delete(row)) sought.current = rowOf(row);
  }, [row]);
  return useMemo(
    () => ({
      sought,
      tell: (now) => write(now && rowText(now), window.location.pathname),
      flush: () => {
        write.flush();
        history.flush(); // or it and what follows become one entry
      },
    }),
    [write, history],
  );
}
