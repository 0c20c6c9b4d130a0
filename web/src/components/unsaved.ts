import { useBlocker } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { unsaved } from '../data/ended';
import i18next from '../i18n';

/** An address names a record, or a new one; what else it says of a page, such as a filter, leaves no edit. */
const record = (search: object) => [(search as { id?: number }).id, (search as { new?: true }).new].join();

/** The dialog that an address names, which Back closes. */
const dialogOf = (search: object) => (search as { dialog?: string }).dialog;

interface Options {
  /** It is being saved, and the page goes on by itself. */
  saving?: boolean;
  /** It is one of the dialog that the address names, and is left with that as well. */
  inDialog?: boolean;
}

/** Asks before an edit that is not saved is left: for another page, or another record. Of several, once. */
export function useUnsaved(
  dirty: boolean,
  question = 'record.leave',
  { saving = false, inDialog = false }: Options = {},
): void {
  const { t } = useTranslation();
  const me = useRef({}).current;
  // biome-ignore lint/correctness/useExhaustiveDependencies: one that is being saved asks after the others
  useEffect(() => {
    if (!dirty) return;
    unsaved.set(me, question);
    return () => void unsaved.delete(me);
  }, [dirty, saving, me, question]);
  useBlocker({
    shouldBlockFn: ({ current, next }) => {
      const leaves = current.pathname !== next.pathname || record(current.search) !== record(next.search);
      const closes = inDialog && dialogOf(current.search) !== dialogOf(next.search);
      const asks = leaves ? unsaved.keys().next().value === me : closes;
      return dirty && !saving && asks && !window.confirm(t(question));
    },
    enableBeforeUnload: dirty && !saving,
  });
}

/** Whether an edit on this page may be given up for another, which is asked if it is not saved. */
export const mayGiveUp = (question: string) =>
  ![...unsaved.values()].includes(question) || window.confirm(i18next.t(question));
