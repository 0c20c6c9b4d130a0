import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Target } from '../../api/client';
import { TagsOffered } from '../../components/tagsinput';
import { createTarget, type NewTarget, previewCreate } from './data';
import { emptyDraft, fields } from './draft';
import { EditBar, keysOf } from './edit';
import { JobPicker } from './pickers';
import type { Field } from './rules';
import { useTyping } from './typing';

interface Props {
  job?: number;
  node?: string;
  close: () => void;
  done: (made: Target) => void;
}

const hints: Partial<Record<Field, string>> = {
  addr: '10.0.0.1:9100',
  labels: 'env="prod" zone="b"',
  tags: 'web, 北京',
};

/** A new target, typed into a row above the table. Enter saves it and begins the next. */
export function Create({ job: given, node, close, done }: Props) {
  const { t } = useTranslation();
  const [job, setJob] = useState(given);
  const [made, setMade] = useState(0);
  const [whole, setWhole] = useState(false);
  const typing = useTyping({
    name: ['new'],
    bodyOf: (target) => (job === undefined ? undefined : { job, ...target }),
    look: (body, signal) => previewCreate(body as NewTarget, signal),
  });
  const { draft, problems, busy, setBusy, begin, read, refuse, set } = typing;
  const save = () => {
    if (busy || job === undefined) return;
    const target = read();
    if (target) typing.afterLook(() => void write({ job, ...target }));
  };
  const write = async (target: NewTarget) => {
    setBusy(true);
    try {
      const saved = await createTarget(target);
      begin(emptyDraft);
      setMade((n) => n + 1); // the next one begins at its address
      done(saved);
    } catch (error) {
      refuse(error);
    } finally {
      setBusy(false);
    }
  };
  const keys = keysOf({ save, leave: close, whole: () => setWhole((now) => !now) });
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it listens to the fields in it
    <div className="newrow" onKeyDown={keys}>
      <div className="newcells" key={made}>
        {given === undefined && (
          <JobPicker
            node={node}
            value={job}
            onChange={(picked) => {
              typing.giveUp();
              setJob(picked);
            }}
          />
        )}
        {fields.map((f) => (
          <label key={f}>
            <span className="dim small">{t(`targets.${f}`)}</span>
            <input
              list={f === 'tags' ? 'new-tags' : undefined}
              className={`cell-input${f === 'addr' || f === 'labels' ? ' mono' : ''}`}
              aria-invalid={problems.some((p) => p.field === f) || undefined}
              aria-describedby={problems.some((p) => p.field === f) ? 'new-told' : undefined}
              data-field={f}
              value={draft[f]}
              placeholder={hints[f]}
              // biome-ignore lint/a11y/noAutofocus: it was asked for by a key or a button
              autoFocus={f === 'addr'}
              onChange={(e) => set(f, e.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              readOnly={busy}
            />
            {f === 'tags' && <TagsOffered id="new-tags" text={draft.tags} />}
          </label>
        ))}
      </div>
      <EditBar
        id="new-told"
        typing={typing}
        save={save}
        leave={close}
        title={t('targets.new')}
        idle={job === undefined ? t('targets.pickJob') : typing.changed ? undefined : t('editor.state.none')}
        whole={whole}
        setWhole={setWhole}
      />
    </div>
  );
}
