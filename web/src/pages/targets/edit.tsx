import { Button } from '@mantine/core';
import {
  createContext,
  type KeyboardEvent,
  type ReactNode,
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
import { StaleError, sentence, Unreachable } from '../../api/problem';
import { Failure } from '../../components/failure';
import { plain } from '../../components/name';
import { PreviewLine } from '../../components/preview-line';
import { TagsOffered } from '../../components/tagsinput';
import { tellFailure } from '../../components/tell';
import { Conflict } from './conflict';
import { patchTarget, previewPatch, putTarget, readTarget } from './data';
import { draftOf, emptyDraft, fields, patchOf, valuesOf } from './draft';
import { words } from './problem';
import type { Field, TargetValues } from './rules';
import { useTyping } from './typing';

/** A row that is being edited. */
export interface Editing {
  /** What was read when the edit began. */
  from: Target;
  etag: string;
}

interface Typing extends Pick<ReturnType<typeof useTyping>, 'draft' | 'set' | 'problems' | 'busy'> {
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
  const tags = field === 'tags' ? `${typing.told}-tags` : undefined;
  return (
    <>
      <input
        ref={input}
        list={tags}
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
      {tags && <TagsOffered id={tags} text={typing.draft.tags} />}
    </>
  );
}

interface Keys {
  save: () => void;
  leave: () => void;
  /** Shows all of what saving would do, or no longer. */
  whole: () => void;
}

/** Enter saves, Escape leaves, Alt-Enter shows the whole effect; nothing of it reaches the table. */
export function keysOf({ save, leave, whole }: Keys) {
  return (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLInputElement) || !event.target.classList.contains('cell-input')) return;
    if (event.nativeEvent.isComposing) return; // of an input method
    if (event.key === 'Enter') (event.altKey ? whole : save)();
    else if (event.key === 'Escape') leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

interface BarProps {
  typing: ReturnType<typeof useTyping>;
  save: () => void;
  leave: () => void;
  id: string;
  title: ReactNode;
  /** Why there is nothing to save. */
  idle?: string;
  whole: boolean;
  setWhole: (whole: boolean) => void;
}

/** Below the table: what saving would do, what is wrong with what was typed, and what the keys do. */
export function EditBar({ typing, save, leave, id, title, idle, whole, setWhole }: BarProps) {
  const { t } = useTranslation();
  const { problems, error, busy, waiting, tried, pending } = typing;
  return (
    <section className="editbar" aria-label={t('targets.editing')}>
      <div className="spread">
        <span>{title}</span>
        <span className="dim hintkeys">
          <kbd>Enter</kbd> {t('targets.saves')} <kbd>Alt Enter</kbd> {t('targets.diffs')} <kbd>Esc</kbd>{' '}
          {t('targets.leaves')}
        </span>
        <span className="dim push" role="status">
          {waiting && t('targets.saveWaits')}
        </span>
        <Button size="compact-sm" onClick={save} loading={busy || waiting}>
          {t('targets.save')}
        </Button>
        <Button size="compact-sm" variant="default" onClick={leave}>
          {t('app.cancel')}
        </Button>
      </div>
      <PreviewLine
        preview={tried.preview}
        pending={pending}
        idle={tried.error instanceof Unreachable ? t('error.notTried') : idle}
        whole={whole}
        setWhole={setWhole}
      />
      {error instanceof Unreachable && error.purpose === 'write' && <Failure error={error} />}
      <div id={id} role="alert">
        {problems.map((p) => (
          <p key={`${p.field} ${p.rule ?? p.message} ${JSON.stringify(p.values)}`} className="error">
            <b>{t(`targets.${p.field}`)}</b>: {plain(words(t, p))}
          </p>
        ))}
        {error && !(error instanceof Unreachable) && problems.length === 0 && (
          <p className="error">{plain(sentence(error))}</p>
        )}
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
  const [theirs, setTheirs] = useState<Editing>();
  const [whole, setWhole] = useState(false);
  const typing = useTyping({
    name: [from?.from.id, from?.etag],
    // What two have changed is brought together first.
    bodyOf: (target) => (from && !theirs ? patchOf(from.from, target) : undefined),
    look: (patch, signal) => previewPatch(from?.from.id ?? 0, from?.etag ?? '', patch, signal),
  });
  const { draft, set, problems, busy, begin, refuse, setBusy, read } = typing;
  useLayoutEffect(() => {
    setFrom(editing);
    begin(editing ? draftOf(editing.from) : emptyDraft);
    setTheirs(undefined);
    setWhole(false);
  }, [editing, begin]);

  const current = useRef(editing);
  current.current = editing;
  const write = async (base: Editing, target: TargetValues) => {
    const patch = patchOf(base.from, target);
    if (!patch) return done();
    const left = () => current.current !== editing; // for another row, or for none
    setBusy(true);
    try {
      const saved = await patchTarget(base.from.id, base.etag, patch);
      putTarget(saved.value);
      if (!left()) done(saved.value); // the next one begins afresh
    } catch (error) {
      if (left()) return tellFailure(error);
      if (error instanceof StaleError) {
        const now = await readTarget(base.from.id).catch((e: unknown) => e as Error);
        if (now instanceof Error) refuse(now);
        else {
          putTarget(now.value);
          setTheirs({ from: now.value, etag: now.etag });
        }
      } else refuse(error);
      setBusy(false);
    }
  };
  const save = () => {
    if (busy || !from) return;
    const target = read();
    if (target) typing.afterLook(() => void write(from, target));
    else {
      const wrong = fields.find((field) => valuesOf(draft).problems.some((p) => p.field === field));
      document.querySelector<HTMLInputElement>(`.cell-input[data-field="${wrong}"]`)?.focus();
    }
  };
  const leave = () => done();
  const begun = from !== undefined;
  const context = useMemo<Typing | null>(
    () => (begun ? { draft, set, problems, busy, told } : null),
    [begun, draft, set, problems, busy, told],
  );
  return (
    <Context value={context}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it listens to the fields in it */}
      <div className="editing" onKeyDown={keysOf({ save, leave, whole: () => setWhole((now) => !now) })}>
        {children}
        {from && (
          <EditBar
            id={told}
            typing={typing}
            save={save}
            leave={leave}
            title={t('targets.editingOf', { addr: plain(from.from.addr) })}
            idle={typing.changed ? undefined : t('editor.state.none')}
            whole={whole}
            setWhole={setWhole}
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
            begin(draftOf(theirs.from), draftOf({ ...theirs.from, ...target }));
            void write(theirs, target);
          }}
        />
      )}
    </Context>
  );
}
