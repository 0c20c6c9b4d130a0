import { Button } from '@mantine/core';
import {
  createContext,
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import type { Target } from '../../api/client';
import { ApiError, StaleError, sentence } from '../../api/problem';
import { plain } from '../../components/name';
import { Conflict } from './conflict';
import { patchTarget, putTarget, readTarget } from './data';
import { type Draft, draftOf, emptyDraft, fields, patchOf, refusedFields, valuesOf } from './draft';
import { words } from './problem';
import type { Field, Problem, TargetValues } from './rules';

/** A row that is being edited. */
export interface Editing {
  /** What was read when the edit began. */
  from: Target;
  etag: string;
}

interface Typing {
  draft: Draft;
  set: (field: Field, text: string) => void;
  problems: Problem[];
  busy: boolean;
  /** The element that tells what is wrong. */
  told: string;
}

const Context = createContext<Typing | null>(null);

/** What a field of the row is typed into. */
export function EditCell({ field, label, placeholder }: { field: Field; label: string; placeholder?: string }) {
  const typing = useContext(Context);
  const input = useRef<HTMLInputElement>(null);
  const begins = typing !== null && field === 'addr';
  useEffect(() => {
    if (begins) input.current?.focus();
  }, [begins]);
  if (!typing) return null;
  const wrong = typing.problems.some((p) => p.field === field);
  return (
    <input
      ref={input}
      className={`cell-input${field === 'addr' || field === 'labels' ? ' mono' : ''}`}
      aria-label={label}
      aria-invalid={wrong || undefined}
      aria-describedby={wrong ? typing.told : undefined}
      data-field={field}
      value={field === 'remark' ? typing.draft.remark.replaceAll('\n', '⏎') : typing.draft[field]}
      placeholder={placeholder}
      onChange={(e) => {
        const text = e.currentTarget.value;
        typing.set(field, field === 'remark' ? text.replaceAll('⏎', '\n') : text);
      }}
      autoComplete="off"
      spellCheck={false}
      readOnly={typing.busy}
    />
  );
}

/** Enter saves, Escape leaves; nothing of it reaches the table. */
export function keysOf(save: () => void, leave: () => void) {
  return (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLInputElement) || !event.target.classList.contains('cell-input')) return;
    if (event.nativeEvent.isComposing) return; // of an input method
    if (event.key === 'Enter') save();
    else if (event.key === 'Escape') leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

interface BarProps {
  problems: Problem[];
  error: Error | null;
  busy: boolean;
  save: () => void;
  leave: () => void;
  id: string;
  title: ReactNode;
}

/** Below the table: what is wrong with what was typed, and what the keys do. */
export function EditBar({ problems, error, busy, save, leave, id, title }: BarProps) {
  const { t } = useTranslation();
  return (
    <section className="editbar" aria-label={t('targets.editing')}>
      <div className="spread">
        <span>{title}</span>
        <span className="dim hintkeys">
          <kbd>Enter</kbd> {t('targets.saves')} <kbd>Esc</kbd> {t('targets.leaves')}
        </span>
        <Button className="push" size="compact-sm" onClick={save} loading={busy}>
          {t('targets.save')}
        </Button>
        <Button size="compact-sm" variant="default" onClick={leave}>
          {t('app.cancel')}
        </Button>
      </div>
      <div id={id} role="alert">
        {problems.map((p) => (
          <p key={`${p.field} ${p.rule ?? p.message} ${JSON.stringify(p.values)}`} className="error">
            <b>{t(`targets.${p.field}`)}</b>: {plain(words(t, p))}
          </p>
        ))}
        {error && problems.length === 0 && <p className="error">{plain(sentence(error))}</p>}
        {error && problems.length > 0 && <p className="error">{plain(error.message)}</p>}
      </div>
    </section>
  );
}

interface Props {
  /** The row that is edited, if one is; each edit is another object. */
  editing?: Editing;
  done: (saved?: Target) => void;
  /** The table, with an EditCell for each field of the row. */
  children: ReactNode;
}

/** Edits one target where it stands, in the table that it is around. */
export function EditRow({ editing, done, children }: Props) {
  const { t } = useTranslation();
  const told = useId();
  const [from, setFrom] = useState<Editing>();
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const [theirs, setTheirs] = useState<Editing>();
  useLayoutEffect(() => {
    setFrom(editing);
    setDraft(editing ? draftOf(editing.from) : emptyDraft);
    setProblems([]);
    setError(null);
    setTheirs(undefined);
  }, [editing]);

  const write = async (base: Editing, target: TargetValues) => {
    const patch = patchOf(base.from, target);
    if (!patch) return done();
    setBusy(true);
    setError(null);
    try {
      const saved = await patchTarget(base.from.id, base.etag, patch);
      putTarget(saved.value);
      done(saved.value);
    } catch (error) {
      if (error instanceof StaleError) {
        const now = await readTarget(base.from.id).catch((e: unknown) => e as Error);
        if (now instanceof Error) setError(now);
        else {
          putTarget(now.value);
          setTheirs({ from: now.value, etag: now.etag });
        }
      } else {
        setError(error as Error);
        if (error instanceof ApiError) setProblems(refusedFields(error));
      }
    } finally {
      setBusy(false);
    }
  };
  const save = () => {
    if (busy || !from) return;
    const { target, problems } = valuesOf(draft);
    setProblems(problems);
    setError(null);
    const wrong = fields.find((field) => problems.some((p) => p.field === field));
    if (wrong) document.querySelector<HTMLInputElement>(`.cell-input[data-field="${wrong}"]`)?.focus();
    else void write(from, target);
  };
  const leave = () => done();
  const set = useCallback((field: Field, text: string) => {
    setDraft((old) => ({ ...old, [field]: text }));
    setProblems((old) => old.filter((p) => p.field !== field));
    setError(null);
  }, []);
  const begun = from !== undefined;
  const typing = useMemo<Typing | null>(
    () => (begun ? { draft, set, problems, busy, told } : null),
    [begun, draft, set, problems, busy, told],
  );
  return (
    <Context value={typing}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it listens to the fields in it */}
      <div className="editing" onKeyDown={keysOf(save, leave)}>
        {children}
        {from && (
          <EditBar
            id={told}
            problems={problems}
            error={error}
            busy={busy}
            save={save}
            leave={leave}
            title={t('targets.editingOf', { addr: plain(from.from.addr) })}
          />
        )}
      </div>
      {from && theirs && (
        <Conflict
          began={from.from}
          now={theirs.from}
          mine={valuesOf(draft).target}
          close={() => setTheirs(undefined)}
          take={(target) => {
            setTheirs(undefined);
            setFrom(theirs);
            setDraft(draftOf({ ...theirs.from, ...target }));
            void write(theirs, target);
          }}
        />
      )}
    </Context>
  );
}
