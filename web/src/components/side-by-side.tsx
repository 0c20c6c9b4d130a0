import { goToNextChunk, goToPreviousChunk, MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { keymap } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { common, readOnly } from './code';

interface Props {
  left: string;
  right: string;
  leftLabel: string;
  rightLabel: string;
  /** Shows what is the same as well. */
  whole?: boolean;
}

const moves = keymap.of([
  { key: 'F7', run: goToNextChunk },
  { key: 'Shift-F7', run: goToPreviousChunk },
]);

/** Two texts to be compared: what differs is marked, and what does not is folded away. */
export function SideBySide({ left, right, leftLabel, rightLabel, whole }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { t } = useTranslation();
  const folded = t('loaded.unchanged');
  useEffect(() => {
    if (!box.current) return;
    const words = EditorState.phrases.of({ '$ unchanged lines': folded });
    const view = new MergeView({
      parent: box.current,
      a: { doc: left, extensions: [common(leftLabel), readOnly, moves, words] },
      b: { doc: right, extensions: [common(rightLabel), readOnly, moves, words] },
      ...(whole ? {} : { collapseUnchanged: { margin: 3, minSize: 6 } }),
    });
    return () => view.destroy();
  }, [left, right, leftLabel, rightLabel, whole, folded]);
  return (
    <div className="sides">
      <p aria-hidden>{leftLabel}</p>
      <p aria-hidden>{rightLabel}</p>
      <div ref={box} className="code merge" />
    </div>
  );
}
