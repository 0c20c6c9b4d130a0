import { useDebouncedValue } from '@mantine/hooks';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Preview } from '../../api/client';
import { ApiError, Unreachable } from '../../api/problem';
import { useUnsaved } from '../../components/unsaved';
import { pause, useDryRun } from '../../data/dry-run';
import { type Draft, emptyDraft, fields, refusedFields, valuesOf } from './draft';
import type { Field, Problem, TargetValues } from './rules';

/** What is asked before a row that is typed into is left. */
export const leaveRow = 'targets.leaveRow';

/** How long a save waits for what it would do to be known. */
const patience = 5000;

interface Options {
  /** Names the record, as it was read. */
  name: unknown[];
  /** What saving would send; undefined: nothing. */
  bodyOf: (target: TargetValues) => object | undefined;
  /** What sending it would do. */
  look: (body: object, signal: AbortSignal) => Promise<Preview>;
}

/** A target that is typed into a row: what is wrong with it, and what saving it would do, while one types. */
export function useTyping({ name, bodyOf, look }: Options) {
  const [began, setBegan] = useState(emptyDraft);
  const [draft, setDraft] = useState(emptyDraft);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const [waits, setWaits] = useState<() => void>();
  const dirty = fields.some((f) => draft[f] !== began[f]);
  useUnsaved(dirty, leaveRow);

  const values = useMemo(() => valuesOf(draft), [draft]);
  const wanted = dirty && values.problems.length === 0 ? bodyOf(values.target) : undefined;
  const tried = useDryRun(
    ['target', ...name],
    wanted && JSON.stringify(wanted),
    (body, signal) => look(JSON.parse(body), signal),
    busy,
  );
  /** Tells what a write was refused for, at the fields that it is about. */
  const refuse = useCallback((error: unknown) => {
    setError(error as Error);
    setProblems(error instanceof ApiError ? refusedFields(error) : []);
  }, []);
  // What is wrong is told once one pauses: by the rules that are known here, else by the server.
  const [paused] = useDebouncedValue(draft, pause);
  useEffect(() => {
    if (paused !== draft) return;
    if (!dirty) refuse(null);
    else if (values.problems.length > 0) setProblems(values.problems);
  }, [paused, draft, dirty, values, refuse]);
  const pending = dirty && (paused !== draft || tried.pending);
  const looks = wanted !== undefined && pending;
  useEffect(() => {
    if (!waits) return;
    const go = () => {
      setWaits(undefined);
      waits();
    };
    if (!looks) return go();
    const timer = setTimeout(go, patience);
    return () => clearTimeout(timer);
  }, [waits, looks]);
  const unsaved = useRef(false);
  unsaved.current = error instanceof Unreachable && error.purpose === 'write';
  useEffect(() => {
    if (tried.error) refuse(tried.error);
    // That it was not saved stays true while what it would do is known again.
    else if (tried.preview && !unsaved.current) refuse(null);
  }, [tried.error, tried.preview, refuse]);

  return {
    draft,
    problems,
    error,
    busy,
    setBusy,
    tried,
    /** What is wrong, or what it would do, is told once one pauses. */
    pending,
    /** A save waits for what it would do. */
    waiting: waits !== undefined,
    /** Saves once it is known what that does, or that it is not to be known; typing on gives that up. */
    afterLook: (save: () => void) => (looks ? setWaits(() => save) : save()),
    /** What waits was meant of something else. */
    giveUp: useCallback(() => setWaits(undefined), []),
    refuse,
    /** Something would be saved, or could be if it were right. */
    changed: dirty && (wanted !== undefined || values.problems.length > 0),
    /** Begins with another draft, to which what is typed is compared. */
    begin: useCallback((draft: Draft, typed = draft) => {
      setBegan(draft);
      setDraft(typed);
      setProblems([]);
      setError(null);
      setBusy(false);
      setWaits(undefined);
    }, []),
    set: useCallback((field: Field, text: string) => {
      setDraft((old) => ({ ...old, [field]: text }));
      setProblems((old) => old.filter((p) => p.field !== field));
      setError(null);
      setWaits(undefined);
    }, []),
    /** What was typed, if it is right as far as is known here; else what is wrong is told. */
    read: (): TargetValues | undefined => {
      setError(null);
      setProblems(values.problems);
      return values.problems.length === 0 ? values.target : undefined;
    },
  };
}
