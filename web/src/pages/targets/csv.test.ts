import { expect, test } from 'vitest';
import { csvOf } from './csv';
import { planOf, readRows } from './rows';
import type { TargetValues } from './rules';

const letters = [
  '=',
  '+',
  '-',
  '@',
  "'",
  ';',
  ',',
  '"',
  '\t',
  '\n',
  '\r',
  ' ',
  'a',
  'addr',
  '北',
  '、',
  '<img src=x>',
  '\u202E',
  '{',
  ':1',
];
let seed = 42;
const below = (n: number) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * n);
};
const text = (most = 6) => Array.from({ length: below(most) }, () => letters[below(letters.length)]).join('');

function strange(i: number): TargetValues {
  const labels: Record<string, string> = {};
  for (let n = below(4); n > 0; n--) {
    const value = text();
    if (value !== '') labels[text(4) || 'l'] = value;
  }
  const tags = Array.from({ length: below(4) }, text)
    .map((t) => t.replaceAll(/[,\n\r\t]/g, '').trim())
    .filter((t) => t !== '');
  return { addr: `h${i}:9100`, name: text(), remark: text(), labels, tags: [...new Set(tags)].sort() };
}

test('what is exported is imported as it was, whatever is in it', async () => {
  for (let round = 0; round < 60; round++) {
    const targets = Array.from({ length: 1 + below(8) }, (_, i) => strange(i));
    const where = below(2) === 1;
    const csv = await (
      await csvOf(
        targets.map((t) => ({ ...t, job: text(), node: text() })),
        where,
      )
    ).text();
    const plan = planOf(csv);
    expect(plan.separator, csv).toBe(',');
    const rows = await readRows(csv, plan);
    expect(
      rows.map((r) => ({ ...r.target })),
      csv,
    ).toEqual(targets);
    for (const cell of csv.split(/[;\t\r\n]/)) expect(cell.trimStart(), csv).not.toMatch(/^"?\s*[=+\-@]/);
  }
});

test('columns are those of the API', async () => {
  const csv = await (
    await csvOf(
      [{ addr: 'a:1', name: '=1+1', remark: '', labels: { zone: 'b' }, tags: ['x', 'y'], job: 'web', node: 'berlin' }],
      true,
    )
  ).text();
  expect(csv).toBe('addr,name,remark,tags,labels.zone,job,node\r\na:1,\'=1+1,,"x,y",b,web,berlin\r\n');
});
