import { useRouter } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import type { TargetSearch } from '../../router';
import type { Scope } from './data';

/** A dialog that the address names, and what it is about. */
export type Dialog =
  | { what: 'paste'; text?: string }
  | { what: 'export'; save?: true }
  | { what: 'bulk'; scope: Scope; count: number };

/** How many targets an address can name, below what proxies take of one. */
const most = 200;

/** How an address says a dialog, if it can. */
function searchOf(dialog: Dialog): Pick<TargetSearch, 'dialog' | 'ids'> | undefined {
  const ids = dialog.what === 'bulk' && 'ids' in dialog.scope ? dialog.scope.ids : undefined;
  return ids && ids.length > most ? undefined : { dialog: dialog.what, ids };
}

interface Options {
  search: TargetSearch;
  set: (change: Partial<TargetSearch>, replace?: boolean) => void;
  /** What the dialog of an address is about, once that is known. */
  about: (what: Dialog['what'], ids?: number[]) => Dialog | undefined;
  /** What it would be about is known, or that there is nothing. */
  known: boolean;
}

/**
 * The dialog that the address names. It stays about what it began with, and a click that
 * opens it may say more than the address: what was pasted.
 */
export function useDialog({ search: { dialog, ids }, set, about, known }: Options) {
  const key = dialog && [dialog, ...(ids ?? [])].join();
  const { history } = useRouter();
  const begun = useRef<{ key: string; dialog: Dialog; clicked: boolean }>(undefined);
  const clicked = useRef<Dialog>(undefined);
  const [large, setLarge] = useState<Dialog>(); // of more than an address can name
  if (begun.current?.key !== key) begun.current = undefined;
  if (dialog && key && !begun.current) {
    const said = clicked.current?.what === dialog ? clicked.current : undefined;
    const found = said ?? about(dialog, ids);
    if (found) begun.current = { key, dialog: found, clicked: said !== undefined };
  }
  // Or it would open over what another filter selects, while that is typed.
  const nothing = key !== undefined && !begun.current && known;
  useEffect(() => {
    if (nothing) set({ dialog: undefined, ids: undefined }, true);
  }, [nothing, set]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another address was not clicked
  useEffect(() => {
    clicked.current = undefined;
  }, [key]);
  return {
    open: large ?? begun.current?.dialog,
    begin: (dialog: Dialog) => {
      const said = searchOf(dialog);
      if (!said) return setLarge(dialog);
      clicked.current = dialog;
      set(said);
    },
    close: () => {
      setLarge(undefined);
      if (begun.current?.clicked) history.back({ ignoreBlocker: true });
      else if (dialog) set({ dialog: undefined, ids: undefined }, true);
    },
  };
}
