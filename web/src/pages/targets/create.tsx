import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Target } from '../../api/client';
import { ApiError } from '../../api/problem';
import { type Draft, emptyDraft, fields, refusedFields, valuesOf } from './draft';
import { EditBar, keysOf } from './edit';
import { JobPicker } from './pickers';
import type { Field, Problem } from './rules';

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
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState(0);
  const save = async () => {
    if (busy || job === undefined) return;
    const { target, problems } = valuesOf(draft);
    setProblems(problems);
    setError(null);
    if (problems.length > 0) return;
    setBusy(true);
    try {
      const saved = await ok(api.POST('/api/v1/targets', { body: { job, ...target } }));
      setDraft(emptyDraft);
      setMade((n) => n + 1); // the next one begins at its address
      done(saved as Target);
    } catch (error) {
      setError(error as Error);
      if (error instanceof ApiError) setProblems(refusedFields(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it listens to the fields in it
    <div className="newrow" onKeyDown={keysOf(() => void save(), close)}>
      <div className="newcells" key={made}>
        {given === undefined && <JobPicker node={node} value={job} onChange={setJob} />}
        {fields.map((f) => (
          <label key={f}>
            <span className="dim small">{t(`targets.${f}`)}</span>
            <input
              className={`cell-input${f === 'addr' || f === 'labels' ? ' mono' : ''}`}
              aria-invalid={problems.some((p) => p.field === f) || undefined}
              aria-describedby={problems.some((p) => p.field === f) ? 'new-told' : undefined}
              data-field={f}
              value={draft[f]}
              placeholder={hints[f]}
              // biome-ignore lint/a11y/noAutofocus: it was asked for by a key or a button
              autoFocus={f === 'addr'}
              onChange={(e) => {
                const text = e.currentTarget.value;
                setDraft((old) => ({ ...old, [f]: text }));
                setProblems((old) => old.filter((p) => p.field !== f));
                setError(null);
              }}
              autoComplete="off"
              spellCheck={false}
              readOnly={busy}
            />
          </label>
        ))}
      </div>
      <EditBar
        id="new-told"
        problems={problems}
        error={error}
        busy={busy}
        save={() => void save()}
        leave={close}
        title={job === undefined ? t('targets.pickJob') : t('targets.new')}
      />
    </div>
  );
}
