import { goToNextChunk, goToPreviousChunk, MergeView } from '@codemirror/merge';
import { keymap } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { common, readOnly } from './code';

interface Props {
  left: string;
  right: string;
  leftLabel: string;
  rightLabel: string;
}

const moves = keymap.of([
  { key: 'F7', run: goToNextChunk },
  { key: 'Shift-F7', run: goToPreviousChunk },
]);

/** Two texts to be compared: what differs is marked, and what does not is folded away. */
export function SideBySide({ left, right, leftLabel, rightLabel }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return;
    const view = new MergeView({
      parent: box.current,
      a: { doc: left, extensions: [common(leftLabel), readOnly, moves] },
      b: { doc: right, extensions: [common(rightLabel), readOnly, moves] },
      collapseUnchanged: { margin: 3, minSize: 6 },
    });
    return () => view.destroy();
  }, [left, right, leftLabel, rightLabel]);
  return (
    <div className="sides">
      <p aria-hidden>{leftLabel}</p>
      <p aria-hidden>{rightLabel}</p>
      <div ref={box} className="code merge" />
    </div>
  );
}
