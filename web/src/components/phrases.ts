import { EditorState } from '@codemirror/state';
import i18next from 'i18next';

/** What the editor itself says, and the name of what it says instead. */
export const phrases: Record<string, string> = {
  '$ unchanged lines': 'unchanged',
  Find: 'find',
  Replace: 'replaceField',
  next: 'next',
  previous: 'previous',
  all: 'all',
  'match case': 'matchCase',
  regexp: 'regexp',
  'by word': 'byWord',
  replace: 'replace',
  'replace all': 'replaceAll',
  close: 'close',
  'current match': 'currentMatch',
  'on line': 'onLine',
  'replaced match on line $': 'replacedOne',
  'replaced $ matches': 'replacedAll',
  'Go to line': 'goToLine',
  go: 'go',
  'Fold line': 'fold',
  'Unfold line': 'unfold',
  'folded code': 'folded',
  unfold: 'unfold',
  'Selection deleted': 'deleted',
  'Revert this chunk': 'takeOver',
  Completions: 'completions',
  'Control character': 'special',
};

export const spoken = () =>
  EditorState.phrases.of(
    Object.fromEntries(Object.entries(phrases).map(([said, name]) => [said, i18next.t(`code.${name}`)])),
  );
