import { Checkbox, SegmentedControl } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Name, plain } from '../../components/name';
import type { Column } from './columns';
import { type Draft, draftOf, fields, valuesOf } from './draft';
import { readLabels, writeLabels, writeTags } from './labels';
import { words } from './problem';
import { labelProblems, type Plan, type Row, type Sheet } from './rows';
import type { Field } from './rules';

interface Props {
  sheet: Sheet;
  plan: Plan;
  setPlan: (plan: Plan) => void;
  /** Something was corrected or left out. */
  changed: () => void;
}

const height = 34;

const draftOfRow = (row: Row): Draft => ({
  ...draftOf(row.target),
  ...(row.labelsText === undefined ? {} : { labels: row.labelsText }),
});

/** The rows as they were read: what is wrong is marked, and corrected where it stands. */
export function SheetTable({ sheet, plan, setPlan, changed }: Props) {
  const { t } = useTranslation();
  const [only, setOnly] = useState<'all' | 'bad'>(() => (sheet.counts.bad > 0 ? 'bad' : 'all'));
  const [looked, setLooked] = useState(0); // when "bad" was chosen: corrected rows stay until then
  const drafts = useRef(new Map<number, Draft>());
  const box = useRef<HTMLElement>(null);
  // The first cell that is to be corrected has the focus, once.
  const begun = useRef(sheet.counts.bad === 0);
  const begin = useCallback((cell: HTMLInputElement | null) => {
    if (!cell || begun.current) return;
    begun.current = true;
    cell.focus();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: chosen again, it is looked at again
  const shown = useMemo(() => {
    if (only === 'all') return undefined;
    const bad: number[] = [];
    for (const [i, row] of sheet.rows.entries()) if (row.problems.length > 0 && !row.out) bad.push(i);
    return bad;
  }, [sheet, only, looked]);
  const virtual = useVirtualizer({
    count: shown?.length ?? sheet.rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: 10,
  });
  const type = (i: number, field: Field, text: string) => {
    const row = sheet.rows[i];
    if (!row) return;
    const draft = { ...(drafts.current.get(i) ?? draftOfRow(row)), [field]: text };
    drafts.current.set(i, draft);
    const { target } = valuesOf(draft);
    sheet.correct(i, target, draft.labels, labelProblems(readLabels(draft.labels)));
    changed();
  };
  const { bad } = sheet.counts;
  return (
    <>
      <div className="spread">
        <SegmentedControl
          size="xs"
          aria-label={t('targets.rowsShown')}
          value={only}
          onChange={(v) => {
            setOnly(v as 'all' | 'bad');
            setLooked((n) => n + 1);
          }}
          data={[
            { value: 'all', label: t('targets.rowsAll', { count: sheet.rows.length }) },
            { value: 'bad', label: t('targets.rowsOnlyBad', { count: bad }) },
          ]}
        />
        {plan.separator !== 'line' && !plan.flat && (
          <Checkbox
            size="xs"
            label={t('targets.header')}
            checked={plan.header}
            onChange={(e) => setPlan({ ...plan, header: e.currentTarget.checked })}
          />
        )}
      </div>
      {plan.columns.length > 1 && <Columns plan={plan} setPlan={setPlan} />}
      <NotTaken plan={plan} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className="sheet" ref={box} tabIndex={0} aria-label={t('targets.rows')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('targets.line')}</th>
              <th scope="col">
                <span className="visually-hidden">{t('targets.take')}</span>
              </th>
              {fields.map((f) => (
                <th key={f} scope="col">
                  {t(`targets.${f}`)}
                </th>
              ))}
              <th scope="col">{t('targets.wrong')}</th>
            </tr>
          </thead>
          <tbody>
            {before(virtual.getVirtualItems()[0]?.start ?? 0)}
            {virtual.getVirtualItems().map((item) => {
              const i = shown ? (shown[item.index] ?? -1) : item.index;
              const row = sheet.rows[i];
              if (!row) return null;
              const draft = drafts.current.get(i);
              return (
                <SheetRow
                  key={i}
                  at={item.index}
                  measure={virtual.measureElement}
                  begin={begin}
                  row={row}
                  draft={draft ?? (row.problems.length > 0 ? draftOfRow(row) : undefined)}
                  edit={() => {
                    drafts.current.set(i, draftOfRow(row));
                    changed();
                  }}
                  type={(field, text) => type(i, field, text)}
                  take={(yes) => {
                    sheet.leaveOut(i, !yes);
                    changed();
                  }}
                />
              );
            })}
            {before(virtual.getTotalSize() - (virtual.getVirtualItems().at(-1)?.end ?? 0))}
          </tbody>
        </table>
      </section>
    </>
  );
}

/** The room of the rows that are not drawn. */
const before = (room: number) =>
  room > 0 && (
    <tr aria-hidden>
      <td style={{ height: room, padding: 0, border: 0 }} colSpan={8} />
    </tr>
  );

interface RowProps {
  at: number;
  measure: (row: HTMLElement | null) => void;
  begin: (cell: HTMLInputElement | null) => void;
  row: Row;
  draft?: Draft;
  edit: () => void;
  type: (field: Field, text: string) => void;
  take: (yes: boolean) => void;
}

function SheetRow({ at, measure, begin, row, draft, edit, type, take }: RowProps) {
  const { t } = useTranslation();
  const told = row.problems.map((p) => `${t(`targets.${p.field}`)}: ${plain(words(t, p))}`).join(' · ');
  const { target } = row;
  const bad = (f: Field) => row.problems.some((p) => p.field === f) || undefined;
  const text: Record<Field, string> = {
    addr: target.addr,
    name: target.name,
    labels: row.labelsText ?? writeLabels(target.labels),
    tags: writeTags(target.tags),
    remark: target.remark,
  };
  return (
    <tr
      ref={measure}
      data-index={at}
      data-bad={(row.problems.length > 0 && !row.out) || undefined}
      data-out={row.out || undefined}
    >
      <td className="num dim">{row.line}</td>
      <td>
        <input
          type="checkbox"
          aria-label={t('targets.takeLine', { line: row.line })}
          checked={!row.out}
          onChange={(e) => take(e.currentTarget.checked)}
        />
      </td>
      {fields.map((f) => (
        <td key={f} className={f === 'addr' || f === 'labels' ? 'mono' : undefined}>
          {draft && !row.out ? (
            <input
              ref={bad(f) ? begin : undefined}
              data-autofocus={bad(f)}
              className="cell-input"
              aria-label={`${t(`targets.${f}`)}, ${t('targets.lineOf', { line: row.line })}`}
              aria-invalid={bad(f)}
              title={told || undefined}
              value={f === 'remark' ? draft.remark.replaceAll('\n', '⏎') : draft[f]}
              onChange={(e) =>
                type(f, f === 'remark' ? e.currentTarget.value.replaceAll('⏎', '\n') : e.currentTarget.value)
              }
              autoComplete="off"
              spellCheck={false}
            />
          ) : (
            <button
              type="button"
              className="cell-text"
              tabIndex={f === 'addr' ? 0 : -1}
              disabled={row.out}
              title={plain(text[f])}
              onClick={edit}
            >
              {text[f] === '' ? <span className="visually-hidden">{t('app.none')}</span> : <Name of={text[f]} />}
            </button>
          )}
        </td>
      ))}
      <td className="wrong" title={told}>
        {row.out ? <span className="dim">{t('targets.leftOut')}</span> : <span className="error">{told}</span>}
      </td>
    </tr>
  );
}

/** The columns that nothing is made of. */
function NotTaken({ plan }: Pick<Props, 'plan'>) {
  const { t } = useTranslation();
  const [first] = plan.sample;
  const names = plan.columns.flatMap((column, i) =>
    column === '' && plan.sample.some((r) => r.cells[i])
      ? [plain((plan.header && first?.cells[i]) || t('targets.columnNo', { number: i + 1 }))]
      : [],
  );
  return names.length > 0 && <p className="wrap">{t('targets.notTakenAre', { names: names.join(', ') })}</p>;
}

/** What each column of the text is. */
function Columns({ plan, setPlan }: Pick<Props, 'plan' | 'setPlan'>) {
  const { t } = useTranslation();
  const fixed: Column[] = ['addr', 'port', 'name', 'labels', 'tags', 'remark'];
  const first = plan.sample[0]?.cells ?? [];
  const sample = plan.sample[plan.header ? 1 : 0]?.cells ?? [];
  return (
    <fieldset className="columns">
      <legend className="dim">{t('targets.columnsAre')}</legend>
      {plan.columns.map((column, i) => {
        const head = plan.header ? (first[i] ?? '') : '';
        const label: Column = `label:${column.startsWith('label:') ? column.slice(6) : head || `column_${i + 1}`}`;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is where it stands
          <label key={i} data-unused={column === '' || undefined}>
            <span className="mono small" title={plain(sample[i] ?? '')}>
              <Name of={head || sample[i] || t('targets.columnNo', { number: i + 1 })} />
            </span>
            <select
              value={column}
              onChange={(e) => {
                const chosen = e.currentTarget.value as Column;
                // Two columns cannot be the same field.
                const columns = plan.columns.map((c, j) => (j === i ? chosen : c === chosen ? '' : c));
                setPlan({ ...plan, columns });
              }}
            >
              {fixed.map((c) => (
                <option key={c} value={c}>
                  {t(`targets.${c as 'addr'}`)}
                </option>
              ))}
              <option value={label}>{t('targets.labelNamed', { name: plain(label.slice(6)) })}</option>
              <option value="">{t('targets.notTaken')}</option>
            </select>
          </label>
        );
      })}
    </fieldset>
  );
}
