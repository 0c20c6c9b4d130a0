import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { type RefObject, useEffect, useRef } from 'react';
import { styleNonce } from '../page';
import { spoken } from './phrases';

// Colours are variables (code.css), so that light and dark need no other editor.
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--code-key)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--mantine-color-dimmed)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: 'var(--mantine-color-dimmed)' },
]);

// Typing over a selection, Chromium would carry the style of what was there along in
// a style attribute, which the policy of the page refuses.
const typeOver = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { state, composing } = view;
    if (event.inputType !== 'insertText' || event.data === null || composing || state.readOnly) return false;
    if (state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true });
    return true;
  },
});

export const common = (label: string): Extension => [
  spoken(),
  EditorView.cspNonce.of(styleNonce),
  EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
  typeOver,
  highlightSpecialChars(), // what is unseen, or would turn the text around
  lineNumbers(),
  foldGutter(),
  bracketMatching(),
  highlightSelectionMatches(),
  syntaxHighlighting(colours),
  yaml(),
  indentUnit.of('  '),
  EditorState.tabSize.of(2),
  keymap.of([...searchKeymap]),
];

export const readOnly: Extension = [EditorState.readOnly.of(true), EditorView.editable.of(true)];

interface CodeProps {
  label: string;
  text: string;
  /** Called with what was typed; without it, the text is only read. */
  onChange?: (text: string) => void;
  /** What is wrong, shown at a place in the text, or at a line counted from 1. */
  problems?: Marked[];
  /** What the editor can beside; it is taken when the editor is made. */
  extra?: Extension;
  /** The editor itself, for whoever moves its cursor. */
  handle?: RefObject<EditorView | null>;
}

export interface Marked {
  line?: number;
  from?: number;
  to?: number;
  message: string;
}

/** YAML, to be read or edited. */
export function Code({ label, text, onChange, problems, extra, handle }: CodeProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const change = useRef(onChange);
  change.current = onChange;
  const editable = onChange !== undefined;
  const initial = useRef({ text, extra });
  initial.current = { text, extra };
  useEffect(() => {
    if (!box.current) return;
    const { text, extra } = initial.current;
    const edit: Extension = editable
      ? [
          history(),
          highlightActiveLine(),
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) change.current?.(u.state.doc.toString());
          }),
        ]
      : readOnly;
    const extensions = [extra ?? [], common(label), edit];
    const made = new EditorView({ parent: box.current, doc: text, extensions });
    view.current = made;
    if (handle) handle.current = made;
    return () => made.destroy();
  }, [label, editable, handle]);
  useEffect(() => {
    const v = view.current;
    const now = v?.state.doc.toString();
    if (v && now !== text) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    const v = view.current;
    if (!v) return;
    const end = v.state.doc.length;
    const found = (problems ?? []).map((p): Diagnostic => {
      if (p.from !== undefined && p.to !== undefined) {
        const from = Math.min(p.from, end);
        return { from, to: Math.max(from, Math.min(p.to, end)), severity: 'error', message: p.message };
      }
      const line = v.state.doc.line(Math.max(1, Math.min(p.line ?? 1, v.state.doc.lines)));
      return { from: line.from, to: line.to, severity: 'error', message: p.message };
    });
    v.dispatch(setDiagnostics(v.state, found));
  }, [problems]);
  return <div ref={box} className="code" />;
}

/** One text with what differs from another marked in it. */
export function Difference({ label, before, after }: { label: string; before: string; after: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return;
    const view = new EditorView({
      parent: box.current,
      doc: after,
      extensions: [
        common(label),
        readOnly,
        unifiedMergeView({
          original: before,
          mergeControls: false,
          gutter: true,
          collapseUnchanged: { margin: 3, minSize: 6 },
        }),
      ],
    });
    return () => view.destroy();
  }, [label, before, after]);
  return <div ref={box} className="code" />;
}

interface MergeProps {
  left: string;
  right: string;
  leftLabel: string;
  rightLabel: string;
  onChange: (right: string) => void;
}

/** Two versions side by side; what is on the left can be taken over to the right. */
export function Merge({ left, right, leftLabel, rightLabel, onChange }: MergeProps) {
  const box = useRef<HTMLDivElement>(null);
  const change = useRef(onChange);
  change.current = onChange;
  const initial = useRef(right);
  useEffect(() => {
    if (!box.current) return;
    const view = new MergeView({
      parent: box.current,
      a: { doc: left, extensions: [common(leftLabel), readOnly] },
      b: {
        doc: initial.current,
        extensions: [
          common(rightLabel),
          history(),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) change.current(u.state.doc.toString());
          }),
        ],
      },
      revertControls: 'a-to-b',
    });
    return () => view.destroy();
  }, [left, leftLabel, rightLabel]);
  return <div ref={box} className="code merge" />;
}
