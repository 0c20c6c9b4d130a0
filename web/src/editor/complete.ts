import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
  startCompletion,
} from '@codemirror/autocomplete';
import { lintGutter } from '@codemirror/lint';
import { type Extension, Prec } from '@codemirror/state';
import { type EditorView, hoverTooltip, keymap, tooltips } from '@codemirror/view';
import type { TFunction } from 'i18next';
import { contextAt, fieldAt } from '../yaml/context';
import type { Fields, Schema } from '../yaml/schema';
import { describe, describeAs, draw } from './describe';

/** Puts a field in, with what begins its value, and offers what the value may be. */
function putField(fields: Fields, name: string, schema: Schema, column: number) {
  return (view: EditorView, _: Completion, from: number, to: number) => {
    const indent = ' '.repeat(column);
    const kind = fields.kind(schema);
    let insert = `${name}: `;
    if (kind === 'object') insert = `${name}:\n${indent}  `;
    else if (kind === 'list') insert = `${name}:\n${indent}  - `;
    const has = /^\s*:/.test(view.state.sliceDoc(to, to + 8));
    if (has) insert = name;
    view.dispatch({
      changes: { from, to, insert },
      selection: { anchor: from + insert.length },
      userEvent: 'input.complete',
      scrollIntoView: true,
    });
    if (!has && (kind === 'object' || kind === 'list' || fields.words(schema).length > 0)) startCompletion(view);
  };
}

/** Labels that every target has before it is relabelled, and those that promfleet offers. */
const labels = [
  '__address__',
  '__scheme__',
  '__metrics_path__',
  '__scrape_interval__',
  '__scrape_timeout__',
  'job',
  'instance',
  '__meta_promfleet_target_id',
  '__meta_promfleet_target_name',
  '__meta_promfleet_tags',
];

function complete(fields: Fields, t: TFunction) {
  return (c: CompletionContext): CompletionResult | null => {
    const { doc } = c.state;
    const line = doc.lineAt(c.pos);
    const at = contextAt(doc.toString().split('\n'), line.number - 1, c.pos - line.from);
    if (!at) return null;
    const from = line.from + at.start;
    const parent = fields.at(at.path);
    if (!parent) return null;
    const value = at.key === undefined ? parent : fields.field(parent, at.key);
    const kind = fields.kind(value);
    if (at.key === undefined && (kind === 'object' || kind === 'list')) {
      // In a list, without its dash, there is nothing to write.
      if (kind === 'list' || (at.typed === '' && !c.explicit && !at.element && at.path.length === 0)) return null;
      const properties = fields.open(parent).properties ?? {};
      const options = Object.entries(properties)
        .filter(([name]) => !at.siblings.includes(name))
        .map(([name, schema]): Completion => {
          const said = describeAs(fields, name, schema, t);
          return {
            label: name,
            detail: said.type,
            type: 'property',
            boost: name.endsWith('_sd_configs') ? -1 : 0,
            info: () => draw(said, t),
            apply: putField(fields, name, schema, at.start),
          };
        });
      return { from, options, validFor: /^[\w.-]*$/ };
    }
    if (!value) return null;
    const named = at.key ?? at.path.findLast((s) => typeof s === 'string');
    const words = named === 'source_labels' || named === 'target_label' ? labels : fields.words(value);
    if (words.length === 0) return null;
    const is = value.default === undefined ? undefined : String(value.default);
    return {
      from,
      options: words.map((label) => ({ label, detail: label === is ? t('editor.default') : undefined })),
      validFor: /^[\w.:-]*$/,
    };
  };
}

/** What an editor of a scrape_config can: complete fields and words, and say what they are for. */
export function scrapeConfig(fields: Fields, t: TFunction, save: () => void): Extension {
  return [
    tooltips({ position: 'fixed', parent: document.body }),
    lintGutter(),
    autocompletion({ override: [complete(fields, t)], icons: false, activateOnTypingDelay: 60 }),
    Prec.highest(
      keymap.of([
        {
          key: 'Mod-s',
          preventDefault: true,
          run: () => {
            save();
            return true;
          },
        },
      ]),
    ),
    Prec.high(keymap.of(completionKeymap)),
    hoverTooltip(
      (view, pos) => {
        const line = view.state.doc.lineAt(pos);
        const lines = view.state.doc.toString().split('\n');
        const path = fieldAt(lines, line.number - 1, pos - line.from);
        const said = path && describe(fields, path, t);
        if (!said) return null;
        return { pos: line.from + line.text.indexOf(said.name), above: false, create: () => ({ dom: draw(said, t) }) };
      },
      { hoverTime: 250 },
    ),
  ];
}
