import { expect, test } from 'vitest';
import { bodyOf, placeOf, planOf, readRows, Sheet } from './rows';

const read = async (text: string) => Sheet.of(await readRows(text, planOf(text)));
const told = (sheet: Sheet) => sheet.rows.map((r) => r.problems.map((p) => `${p.field} ${p.rule}`).join(', '));

test('a spreadsheet with Chinese headers', async () => {
  const sheet = await read(
    '地址\t端口\t名称\t备注\t标签\t标签:env\n10.0.0.1\t9100\tweb\t"说, 明"\t线上,北京\tprod\n::1\t9100\t\t\t\t\n',
  );
  expect(sheet.rows.map((r) => r.target)).toEqual([
    { addr: '10.0.0.1:9100', name: 'web', remark: '说, 明', labels: { env: 'prod' }, tags: ['北京', '线上'].sort() },
    { addr: '[::1]:9100', name: '', remark: '', labels: {}, tags: [] },
  ]);
  expect(sheet.counts).toEqual({ bad: 0, out: 0, good: 2 });
});

test('bad rows are marked, corrected and left out; the good ones stay', async () => {
  const sheet = await read('addr,name,labels\na:1,,zone=b\nb b,,\na:1,,zone=c\nc:1,x,zone\na:1,other,zone=b\nd:1,,\n');
  expect(told(sheet)).toEqual(['', 'addr addrSpace', 'addr twice', 'labels labelPair', 'labels merge', '']);
  expect(sheet.rows[3]?.labelsText).toBe('zone');
  expect(sheet.counts).toEqual({ bad: 4, out: 0, good: 2 });
  sheet.correct(1, { addr: 'b:1', name: '', remark: '', labels: {}, tags: [] });
  expect(told(sheet)[1]).toBe('');
  sheet.leaveOut(0, true); // those that were the same as it are no more
  expect(told(sheet)).toEqual(['', '', '', 'labels labelPair', '', '']);
  sheet.leaveOut(0, false);
  expect(told(sheet)[2]).toBe('addr twice');
  sheet.correct(2, { addr: 'a:1', name: 'third', remark: '', labels: {}, tags: [] });
  expect(told(sheet)).toEqual(['', '', '', 'labels labelPair', 'labels merge', '']);
  sheet.leaveOutBad();
  expect(sheet.counts).toEqual({ bad: 0, out: 2, good: 4 });
  const { body, rows } = await bodyOf(sheet);
  expect(rows).toEqual([0, 1, 2, 5]);
  const lines = (await body.text()).trim().split('\n');
  expect(lines.map((l) => (JSON.parse(l) as { addr: string }).addr)).toEqual(['a:1', 'b:1', 'a:1', 'd:1']);
  expect(placeOf('line[4].labels.zone', rows)).toEqual({ row: 5, field: 'labels' });
  expect(placeOf('line[1]', rows)).toEqual({ row: 0, field: 'addr' });
  expect(placeOf('query.dry_run', rows)).toBeUndefined();
  sheet.refuse(5, { field: 'addr', message: 'taken' });
  expect(sheet.counts).toEqual({ bad: 1, out: 2, good: 3 });
});

test('lists of addresses', async () => {
  const addrs = async (text: string) => (await read(text)).rows.map((r) => r.target.addr);
  expect(await addrs('a:1\nb:1\n\nc:1')).toEqual(['a:1', 'b:1', 'c:1']);
  expect(await addrs('a:1, b:1, c:1')).toEqual(['a:1', 'b:1', 'c:1']);
  expect(await addrs("- 'a:1'\n- b:1\n")).toEqual(['a:1', 'b:1']);
  expect((await read('a:1 zone="b", rack=1')).rows[0]?.target.labels).toEqual({ zone: 'b', rack: '1' });
});

test('a row with more cells than there are columns is marked', async () => {
  expect(told(await read('addr,name\na:1,b,c\nb:1,c\n'))).toEqual(['addr cells', '']);
});

test('a name like another', async () => {
  const sheet = await read('addr,labels.__proto__\na:1,x\n');
  expect(Object.entries(sheet.rows[0]?.target.labels ?? {})).toEqual([['__proto__', 'x']]);
  expect(await (await bodyOf(sheet)).body.text()).toContain('"labels":{"__proto__":"x"}');
});

test('many rows are read in slices, and the page lives between them', async () => {
  const text = `addr,name,labels.zone\n${Array.from({ length: 20_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:9100,n${i},z${i % 7}`).join('\n')}\n`;
  let lived = 0;
  const timer = setInterval(() => lived++, 1);
  let share = 0;
  const rows = await readRows(text, planOf(text), (now) => {
    share = now;
  });
  const body = await bodyOf(await Sheet.of(rows));
  clearInterval(timer);
  expect(body.rows.length).toBe(20_000);
  expect(lived).toBeGreaterThan(1);
  expect(share).toBeGreaterThan(0);
}, 30_000);
