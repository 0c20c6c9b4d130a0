export interface Line {
  kind: 'same' | 'added' | 'removed' | 'hunk';
  text: string;
}

/** More lines than this are not compared one by one. */
const most = 2000;

/** How many lines around a change are shown. */
const around = 3;

/** What one text has that the other has not, line by line; long stretches of the same are left out. */
export function diff(before: string[], after: string[]): Line[] {
  let from = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) from++;
  let tail = 0;
  while (
    tail < before.length - from &&
    tail < after.length - from &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const as = (kind: Line['kind']) => (text: string) => ({ kind, text });
  const all = [
    ...before.slice(0, from).map(as('same')),
    ...middle(before.slice(from, before.length - tail), after.slice(from, after.length - tail)),
    ...before.slice(before.length - tail).map(as('same')),
  ];
  return folded(all);
}

/** The longest common sequence decides what is the same. */
function middle(a: string[], b: string[]): Line[] {
  const lines: Line[] = [];
  const removed = (text = '') => lines.push({ kind: 'removed', text });
  const added = (text = '') => lines.push({ kind: 'added', text });
  if (a.length > most || b.length > most) {
    for (const text of a) removed(text);
    for (const text of b) added(text);
    return lines;
  }
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' });
      i++;
      j++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      removed(a[i++]);
    } else {
      added(b[j++]);
    }
  }
  return lines;
}

function folded(lines: Line[]): Line[] {
  const near = lines.map(() => false);
  lines.forEach((line, i) => {
    if (line.kind !== 'same') near.fill(true, Math.max(0, i - around), i + around + 1);
  });
  const shown: Line[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line && near[i]) shown.push(line);
    else if (shown.at(-1)?.kind !== 'hunk') shown.push({ kind: 'hunk', text: '⋯' });
  }
  return shown;
}
