import { Button, Checkbox, Modal, Progress, Textarea, TextInput, TagsInput as Words } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Preview } from '../../api/client';
import { ApiError } from '../../api/problem';
import { Failure } from '../../components/failure';
import { PreviewOf } from '../../components/preview';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { TagsInput } from '../../components/tagsinput';
import { useUnsaved } from '../../components/unsaved';
import { useGiveBack } from '../../components/use-give-back';
import { useSession } from '../../data/session';
import { type BulkPatch, previewBulk, type Scope, type Written, writeUndoably } from './data';
import { readLabels } from './labels';
import { offerUndo } from './offer-undo';
import { words } from './problem';
import { labelProblems } from './rows';

interface Props {
  scope: Scope;
  /** How many targets that is. */
  count: number;
  close: () => void;
  /** Something of it is done, on these nodes, now or by taking it back. */
  done: (nodes: string[], written?: Written) => void;
}

/** Changes many targets at once, seen before it is done. */
export function Bulk({ scope, count, close, done }: Props) {
  const { t } = useTranslation();
  useGiveBack();
  const actor = useSession().data?.actor ?? '';
  const [labels, setLabels] = useState('');
  const [unset, setUnset] = useState<string[]>([]);
  const [addTags, setAddTags] = useState<string[]>([]);
  const [removeTags, setRemoveTags] = useState<string[]>([]);
  const [remark, setRemark] = useState<string>();
  const [preview, setPreview] = useState<Preview>();
  const [share, setShare] = useState(0);
  const edits = useRef(0); // a preview of what was meant before is none
  const read = readLabels(labels);
  const [problem] = labelProblems(read);
  const both = unset.find((name) => Object.hasOwn(read.labels, name));
  const patch: BulkPatch = {};
  const named: [string, string | null][] = [
    ...Object.entries(read.labels),
    ...unset.map((n) => [n, null] as [string, null]),
  ];
  if (named.length > 0) patch.labels = Object.fromEntries(named);
  if (addTags.length > 0) patch.add_tags = addTags;
  if (removeTags.length > 0) patch.remove_tags = removeTags;
  if (remark !== undefined) patch.remark = remark;
  const changes = Object.keys(patch).length > 0;
  const trying = useMutation({
    mutationFn: (_edit: number) => previewBulk(scope, patch),
    onSuccess: (got, edit) => {
      if (edit === edits.current) setPreview(got);
    },
  });
  const saving = useMutation({
    mutationFn: () => writeUndoably(scope, patch, actor, setShare),
    onSuccess: (written) => {
      const nodes = (preview?.nodes ?? []).map((n) => n.node);
      done(nodes, written);
      offerUndo(t('targets.bulkDone', { count: written.updated }), written.events, () => done(nodes));
    },
  });
  useUnsaved(changes && !saving.isSuccess, undefined, { inDialog: true });
  const leave = () => {
    if (!saving.isPending && (!changes || window.confirm(t('record.leave')))) close();
  };
  const failed = saving.error ?? trying.error;
  const told = ['labels', 'add_tags', 'remove_tags', 'remark'].map((field) => `body.${field}`);
  const at = (field: string) => (failed instanceof ApiError ? failed.at(`body.${field}`) : undefined);
  const changed =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      edits.current++;
      set(value);
      setPreview(undefined);
      trying.reset();
      saving.reset();
    };
  return (
    <Modal
      opened
      onClose={leave}
      size="xl"
      title={'ids' in scope ? t('targets.bulkSelected', { count }) : t('targets.bulkAll', { count })}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (preview)
            saving.mutate(undefined, { onSuccess: close }); // unless it was left meanwhile
          else if (changes && !problem && !both) trying.mutate(edits.current);
        }}
      >
        <div className="two">
          <TextInput
            label={t('targets.setLabels')}
            description={t('targets.labelsHint')}
            classNames={{ input: 'mono' }}
            value={labels}
            onChange={(e) => changed(setLabels)(e.currentTarget.value)}
            error={problem ? words(t, problem) : at('labels')}
            data-autofocus
            autoComplete="off"
            spellCheck={false}
          />
          <Words
            label={t('targets.unsetLabels')}
            description={t('targets.unsetHint')}
            value={unset}
            onChange={changed(setUnset)}
            error={both && t('targets.both', { name: both })}
          />
          <TagsInput
            label={t('targets.addTags')}
            value={addTags}
            onChange={changed(setAddTags)}
            error={at('add_tags')}
            maxTags={64}
          />
          <TagsInput
            label={t('targets.removeTags')}
            value={removeTags}
            onChange={changed(setRemoveTags)}
            error={at('remove_tags')}
            maxTags={64}
          />
        </div>
        <Checkbox
          label={t('targets.setRemark')}
          checked={remark !== undefined}
          onChange={(e) => changed(setRemark)(e.currentTarget.checked ? '' : undefined)}
        />
        {remark !== undefined && (
          <Textarea
            aria-label={t('targets.remark')}
            placeholder={t('targets.remarkEmpty')}
            value={remark}
            onChange={(e) => changed(setRemark)(e.currentTarget.value)}
            error={at('remark')}
            autosize
            maxRows={6}
          />
        )}
        <Failure error={failed} told={told} />
        {preview && <PreviewOf preview={preview} />}
        {saving.isPending && <Progress value={share * 100} animated aria-label={t('targets.saving')} />}
        <div className="spread dialogfoot">
          {preview ? (
            <Button type="submit" loading={saving.isPending}>
              {t('targets.bulkDo', { count })}
            </Button>
          ) : (
            <Button
              type="submit"
              disabled={!changes || problem !== undefined || both !== undefined}
              loading={trying.isPending}
            >
              {t('settings.preview')}
            </Button>
          )}
          <Button variant="default" onClick={leave} disabled={saving.isPending}>
            {t('app.cancel')}
          </Button>
        </div>
        <Same cli={cli(scope, patch)} api={curl('PATCH', '/targets', { query: queryOf(scope), body: patch })} />
      </form>
    </Modal>
  );
}

export const queryOf = (scope: Scope) =>
  'ids' in scope ? { id: scope.ids.slice(0, 20).map(String) } : { ...scope.filter, job: scope.filter.job };

/** The command that does the same. */
export function cli(scope: Scope, patch: BulkPatch): string {
  const args: (string | number)[] = ['target', 'patch'];
  for (const [name, value] of Object.entries(queryOf(scope)))
    for (const v of Array.isArray(value) ? value : [value]) if (v !== undefined) args.push(`--${name}`, v);
  for (const [name, value] of Object.entries(patch.labels ?? {})) {
    if (value === null) args.push('--remove-label', name);
    else args.push('--label', `${name}=${value}`);
  }
  for (const tag of patch.add_tags ?? []) args.push('--add-tag', tag);
  for (const tag of patch.remove_tags ?? []) args.push('--remove-tag', tag);
  if (patch.remark !== undefined) args.push('--remark', patch.remark);
  if (patch.deleted) args.push('--delete');
  return promfleet(...args);
}
