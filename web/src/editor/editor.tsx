import '../styles/editor.css';
import { EditorView } from '@codemirror/view';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Code } from '../components/code';
import { plain } from '../components/name';
import { contextAt, fieldAt } from '../yaml/context';
import { rangeOf } from '../yaml/place';
import { type Fault, readYaml } from '../yaml/read';
import type { Fields, Step } from '../yaml/schema';
import { scrapeConfig } from './complete';
import { describe } from './describe';

interface Props {
  label: string;
  fields: Fields;
  text: string;
  /** Without it, the text is only read. */
  onChange?: (text: string) => void;
  save: () => void;
  faults: Fault[];
  /** The field to begin at, as relabel_configs[2]. */
  at?: string;
}

/** An editor of a scrape_config that knows its fields. */
export function ScrapeConfigEditor({ label, fields, text, onChange, save, faults, at }: Props) {
  const { t, i18n } = useTranslation();
  const view = useRef<EditorView>(null);
  const saving = useRef(save);
  saving.current = save;
  const [path, setPath] = useState<Step[]>([]);
  const extra = useMemo(
    () => [
      scrapeConfig(fields, i18n.t, () => saving.current()), // this t follows the language, as the editor stays
      EditorView.updateListener.of((u) => {
        if (u.selectionSet || u.docChanged) setPath(pathAt(u.view));
      }),
    ],
    [fields, i18n],
  );
  useEffect(() => {
    const v = view.current;
    if (!v || !at) return;
    const found = rangeOf(readYaml(v.state.doc.toString()).doc, at);
    if (!found) return;
    const [from, to] = found;
    v.dispatch({
      selection: { anchor: to, head: from }, // the whole of it, and the cursor at its first line
      effects: EditorView.scrollIntoView(from, { y: 'center' }),
    });
    v.focus();
  }, [at]);
  const said = describe(fields, path, t);
  return (
    <div className="editor">
      <Code label={label} text={text} onChange={onChange} problems={faults} extra={extra} handle={view} />
      <p className="fieldline" aria-live="polite">
        {said ? (
          <>
            <b className="mono">{said.name}</b> <span>{said.type}</span>
            {said.is !== undefined && (
              <span>
                {t('editor.default')} <code>{said.is}</code>
              </span>
            )}
            {said.text && <span>{said.text}</span>}
          </>
        ) : (
          <span>{t('editor.keys')}</span>
        )}
      </p>
      {faults.length > 0 && (
        <ul className="faults" aria-label={t('editor.faults')}>
          {faults.map((f) => (
            <li key={`${f.from} ${f.message}`}>
              <button
                type="button"
                onClick={() => {
                  const v = view.current;
                  if (!v) return;
                  v.dispatch({ selection: { anchor: Math.min(f.from, v.state.doc.length) }, scrollIntoView: true });
                  v.focus();
                }}
              >
                <Line text={text} at={f.from} />
              </button>{' '}
              <span className="mono pre">{plain(f.message)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Line({ text, at }: { text: string; at: number }) {
  const { t } = useTranslation();
  const before = text.slice(0, at).split('\n');
  return <>{t('editor.line', { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 })}</>;
}

/** The field that the cursor is at, or in. */
function pathAt(view: EditorView): Step[] {
  const { doc, selection } = view.state;
  const line = doc.lineAt(selection.main.head);
  const lines = doc.toString().split('\n');
  const column = selection.main.head - line.from;
  const field = fieldAt(lines, line.number - 1, Math.max(column, /[^\s-]/.exec(line.text)?.index ?? 0));
  if (field) return field;
  const context = contextAt(lines, line.number - 1, column);
  const named = context?.path.findLastIndex((s) => typeof s === 'string') ?? -1;
  return context?.path.slice(0, named + 1) ?? [];
}
