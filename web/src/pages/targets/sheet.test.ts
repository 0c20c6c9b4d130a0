import { expect, test } from 'vitest';
import { layoutOf } from './columns';
import { readSheet, separatorOf } from './sheet';

const cells = (text: string, separator = separatorOf(text)) => [...readSheet(text, separator)].map((r) => r.cells);

test.each([
  ['10.0.0.1:9100\n10.0.0.2:9100\n', 'line'],
  ['- 10.0.0.1:9100\n- "10.0.0.2:9100"\n', 'line'],
  ['10.0.0.1:9100 zone="b", rack="1"\n', 'line'],
  ['addr\nhost:1\n', 'line'],
  ['addr,name\nhost:1,web\n', ','],
  ['10.0.0.1:9100, web, the first\n', ','],
  ['地址\t名称\t备注\n10.0.0.1:9100\tweb\t"a, b"\n', '\t'],
  ['IP 地址;名称\n10.0.0.1;web\n', ';'],
  ['addr,remark\na:1,"x;y;z"\nb:1,"x;y;z"\n', ','],
])('%j', (text, separator) => {
  expect(separatorOf(text)).toBe(separator);
});

test('cells', () => {
  expect(cells('\ufeffaddr,remark\r\n"a:1", "say ""hi"",\nand go" \r\n\r\nb:1,\r\n', ',')).toEqual([
    ['addr', 'remark'],
    ['a:1', 'say "hi",\nand go'],
    ['b:1', ''],
  ]);
  expect([...readSheet('a,"b\nc\n', ',')]).toEqual([{ line: 1, cells: ['a', 'b\nc\n'], open: true }]);
  expect([...readSheet('a,"1\n2"\nb,3', ',')].map((r) => r.line)).toEqual([1, 3]);
  expect(cells("a,'=1\n", ',')).toEqual([['a', '=1']]);
});

const layout = (text: string) => layoutOf([...readSheet(text, separatorOf(text))]);

test.each([
  ['addr,name,remark,tags,labels.city\na:1,,,,', true, ['addr', 'name', 'remark', 'tags', 'label:city']],
  ['地址,名称,备注,标签\na:1,n,r,线上', true, ['addr', 'name', 'remark', 'tags']],
  ['地址,名称,标签\na:1,n,env=线上', true, ['addr', 'name', 'labels']],
  [
    '主机名\tIP\t端口\tlabel:env\tx\nweb1\t10.0.0.1\t9100\tprod\t1',
    true,
    ['name', 'addr', 'port', 'label:env', 'label:x'],
  ],
  ['Target\tHost\nweb1:1\tweb1', true, ['addr', 'name']],
  ['addr,env,server name,__meta_x,env\na:1,prod,x,y,z', true, ['addr', 'label:env', '', '', '']],
  ['machine,name,rack\n10.0.0.1,m,r1', true, ['addr', 'name', 'label:rack']],
  ['server name;备注\n10.0.0.1;x', true, ['addr', 'remark']],
  ['10.0.0.1:9100,web,first,prod', false, ['addr', 'name', 'remark', 'tags']],
  ['web,10.0.0.1:9100,env=prod', false, ['name', 'addr', 'labels']],
  ['10.0.0.1,9100,web\n10.0.0.2,9100,web', false, ['addr', 'port', 'name']],
  ['10.0.0.1:1,10.0.0.2:1\n10.0.0.3:1', false, ['addr']],
  ['a:1 zone=b rack=1\na:2', false, ['addr', 'labels']],
  ['web1\nweb2', false, ['addr']],
  ['id,job,addr\n1,2,a:1', true, ['', '', 'addr']],
  ['addr,addr\na:1,b:1', true, ['addr', '']],
])('%j', (text, header, columns) => {
  expect(layout(text)).toMatchObject({ header, columns });
});
