import '../../styles/targets.css';
import { Button } from '@mantine/core';
import { IconClipboardPlus, IconDownload, IconPencil, IconPlus, IconRestore, IconTrash } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job, Target } from '../../api/client';
import { sentence } from '../../api/problem';
import { ExplainDrawer } from '../../components/explain/drawer';
import { Failure } from '../../components/failure';
import { Follow, type Followed } from '../../components/follow';
import { Grid } from '../../components/grid';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { mayGiveUp } from '../../components/unsaved';
import { unfollow, useFollowing } from '../../data/following';
import { forgetHealth } from '../../data/health';
import { readNode } from '../../data/nodes';
import { usePaged } from '../../data/paged';
import { queryClient } from '../../data/queries';
import { mayEdit, useSession } from '../../data/session';
import type { TargetSearch } from '../../router';
import { typing } from '../../shell/sequence';
import { Bulk } from './bulk';
import { columnsOf } from './cells';
import { Create } from './create';
import { jobOf, type ListFilter, readTarget, readTargets, type Scope, targetsKey, type Written, written } from './data';
import { useDialog } from './dialog';
import { type Editing, EditRow } from './edit';
import { Export } from './export';
import { Filters, filtered } from './filters';
import { HealthOf } from './healthcells';
import { History } from './history';
import { Paste } from './paste';
import { Remove } from './remove';
import { Restore } from './restore';
import { leaveRow } from './typing';

interface Props {
  search: TargetSearch;
  set: (change: Partial<TargetSearch>, replace?: boolean) => void;
  /** All targets are those of one job. */
  job?: Job;
}

/** A dialog that the address does not name: what it does is asked for again. */
type Asked = { what: 'restore'; ids: number[] } | { what: 'delete'; scope: Scope; count: number };

const nothing: ReadonlySet<string> = new Set();
const idle = () => undefined;

/** Targets as a table: found, edited, made, deleted, brought in and out. */
export function TargetsView({ search, set, job }: Props) {
  const { t } = useTranslation();
  const session = useSession().data;
  const { target: shown, show, ...asked } = search;
  const jobId = job?.id;
  const of = job?.node;
  const node = job ? undefined : asked.node;
  const { q, addr, sort, deleted } = asked;
  const tags = asked.tag?.join('\n');
  const filter = useMemo<ListFilter>(
    () => ({ job: jobId, node, q, tag: tags?.split('\n'), addr, sort, deleted }),
    [jobId, node, q, tags, addr, sort, deleted],
  );
  const list = usePaged<Target>({ queryKey: targetsKey(filter), read: readTargets(filter) });
  const [seen, setSeen] = useState({ first: 0, last: -1 });
  const { see } = list;
  const source = {
    ...list,
    see: useCallback(
      (first: number, last: number) => {
        setSeen((old) => (old.first === first && old.last === last ? old : { first, last }));
        see(first, last);
      },
      [see],
    ),
  };
  const drawn: number[] = [];
  for (let i = seen.first; i <= seen.last && !deleted; i++) {
    const row = list.at(i);
    if (row) drawn.push(row.id);
  }
  const editable = mayEdit(session) && !job?.targets_managed_by;
  const [selected, setSelected] = useState(nothing);
  const [editing, setEditing] = useState<Editing>();
  const [creating, setCreating] = useState(false);
  const [asking, setAsking] = useState<Asked>();
  const [followed, setFollowed] = useState<Followed[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const box = useRef<HTMLDivElement>(null);
  // What is selected was selected of what was shown.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter's rows are others
  useEffect(() => setSelected(nothing), [jobId, node, q, tags, addr, deleted]);

  const here = useRef(list.here);
  here.current = list.here;
  /** Follows what was written, from the revision that its nodes had. */
  const follow = useCallback(
    (nodes: string[], before: Map<string, number>) => {
      forgetHealth(here.current.map((r) => r.id));
      // What was read of a node before the write tells of the change before it.
      void written(nodes).then(() => setFollowed(nodes.map((uuid) => ({ uuid, before: before.get(uuid) ?? 0 }))));
      if (of !== undefined) unfollow(of);
    },
    [of],
  );
  // A change of the job itself is followed above, and one strip is enough.
  const above = useFollowing(of ?? '');
  useEffect(() => {
    if (above) setFollowed((old) => old.filter((n) => n.uuid !== of));
  }, [above, of]);
  const focusTable = () => box.current?.querySelector<HTMLElement>('[role="grid"]')?.focus({ preventScroll: true });

  /** The node of a target, and the revision that it is wanted to have now. */
  const nodeNow = useCallback(async (target: Target) => {
    const of = await queryClient.ensureQueryData(jobOf(target.job));
    if (!of) return undefined;
    const { value } = await readNode(of.node);
    return { uuid: of.node, revision: value.status.revision_wanted };
  }, []);
  const began = useRef<{ uuid: string; revision: number }>(undefined);
  const edit = useCallback(
    async (target: Target) => {
      if (!mayGiveUp(leaveRow)) return;
      setError(null);
      setCreating(false);
      try {
        const [read, node] = await Promise.all([readTarget(target.id), nodeNow(target)]);
        began.current = node;
        setEditing({ from: read.value, etag: read.etag });
      } catch (error) {
        setError(error as Error);
      }
    },
    [nodeNow],
  );
  const edited = (saved?: Target) => {
    setEditing(undefined);
    focusTable();
    const node = began.current;
    if (saved && node) follow([node.uuid], new Map([[node.uuid, node.revision]]));
  };
  const create = useCallback(() => {
    if (creating || !mayGiveUp(leaveRow)) return;
    setEditing(undefined);
    setCreating(true);
  }, [creating]);
  const made = async (target: Target) => {
    const of = await queryClient.ensureQueryData(jobOf(target.job)).catch(() => null);
    if (of) follow([of.node], new Map());
    tell(t('targets.made', { addr: target.addr }));
  };

  /** What was done of a bulk write is shown, also where the rest of it failed; undefined: it was taken back. */
  const changedMany = (nodes: string[], written: Written | undefined, count: number) => {
    if (written) setSelected(nothing);
    follow(nodes, new Map());
    const why = written?.failed;
    setError(
      why === undefined ? null : new Error(t('targets.partly', { done: written?.updated, count, why: sentence(why) })),
    );
  };

  // A click only moves to the row where two of them edit; its address and Enter open it.
  const byKey = useRef(false);
  const latest = useRef(set);
  latest.current = set;
  const reveal = useCallback((target: Target, what: 'explain' | 'history') => {
    latest.current({ target: target.id, show: what });
  }, []);
  const openRow = (target: Target) => {
    if (!editing && (byKey.current || !editable || deleted)) reveal(target, 'explain');
  };
  const twice = (event: React.MouseEvent) => {
    const row = (event.target as HTMLElement).closest('[role="row"]')?.id.replace(/^row-/, '');
    const target = list.here.find((r) => String(r.id) === row);
    const on = event.target as HTMLElement;
    if (!target || !editable || deleted || editing || on.closest('a, button, input')) return;
    window.getSelection()?.removeAllRanges();
    void edit(target);
  };

  const may = editable && !deleted;
  const query = { ...filter, deleted: undefined, sort: undefined };
  const whole: Scope = { filter: query };
  const canWhole = may && (jobId !== undefined || filtered(search)) && !list.stale && list.total > 0;
  const { open, begin, close } = useDialog({
    search,
    set,
    about: (what, ids) => {
      if (what === 'export') return list.total > 0 ? { what } : undefined;
      if (what === 'paste') return may ? { what } : undefined;
      if (ids) return may && ids.length > 0 ? { what, scope: { ids }, count: ids.length } : undefined;
      return canWhole ? { what, scope: whole, count: list.total } : undefined;
    },
    known: !list.pending && !list.stale && !list.error,
  });
  const pasted = useRef(begin);
  pasted.current = begin;

  // n begins a new target; what is pasted onto the page is read.
  useEffect(() => {
    if (!may) return;
    const free = (target: EventTarget | null) => !typing(target) && !document.querySelector('[role="dialog"]');
    const key = (event: KeyboardEvent) => {
      if (event.key !== 'n' || event.ctrlKey || event.metaKey || event.altKey || !free(event.target)) return;
      event.preventDefault();
      create();
    };
    const paste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (text.trim() === '' || !free(event.target)) return;
      event.preventDefault();
      pasted.current({ what: 'paste', text });
    };
    window.addEventListener('keydown', key);
    window.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('keydown', key);
      window.removeEventListener('paste', paste);
    };
  }, [may, create]);

  const onTag = useCallback(
    (tag: string) => latest.current({ tag: [...new Set([...(tags?.split('\n') ?? []), tag])] }),
    [tags],
  );
  const editingId = editing?.from.id;
  const columns = useMemo(
    () =>
      columnsOf({
        t,
        ofJob: jobId !== undefined,
        deleted: deleted === true,
        editing: editingId,
        onTag,
        show: reveal,
      }),
    [t, jobId, deleted, editingId, onTag, reveal],
  );

  const ids = [...selected].map(Number);
  const grid = (
    <Grid
      label={t('targets.title')}
      columns={columns}
      source={source}
      rowKey={(r) => String(r.id)}
      open={openRow}
      chosen={shown === undefined ? undefined : String(shown)}
      sort={sort ?? 'id'}
      onSort={(by) => set({ sort: by === 'id' ? undefined : by })}
      selected={editable ? selected : undefined}
      onSelect={editable ? (editing ? idle : setSelected) : undefined}
      onEdit={may && !editing ? (target) => void edit(target) : undefined}
    />
  );
  const rowOf = (id: number) => list.here.find((r) => r.id === id);
  return (
    <>
      <div className="spread toolbar">
        <span className="dim" role="status">
          {!list.pending &&
            (deleted ? t('targets.deletedCount', { count: list.total }) : t('targets.count', { count: list.total }))}
        </span>
        {selected.size > 0 && (
          <span className="spread chosen">
            <b>{t('targets.selected', { count: selected.size })}</b>
            {deleted ? (
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconRestore size={14} aria-hidden />}
                onClick={() => setAsking({ what: 'restore', ids })}
              >
                {t('targets.restore')}
              </Button>
            ) : (
              <>
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<IconPencil size={14} aria-hidden />}
                  onClick={() => begin({ what: 'bulk', scope: { ids }, count: ids.length })}
                >
                  {t('targets.editSelected')}
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<IconTrash size={14} aria-hidden />}
                  onClick={() => setAsking({ what: 'delete', scope: { ids }, count: ids.length })}
                >
                  {t('targets.deleteSelected')}
                </Button>
              </>
            )}
            <button type="button" className="link" onClick={() => setSelected(nothing)}>
              {t('targets.unselect')}
            </button>
          </span>
        )}
        <span className="push spread">
          {canWhole && selected.size === 0 && (
            <>
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconPencil size={14} aria-hidden />}
                onClick={() => begin({ what: 'bulk', scope: whole, count: list.total })}
              >
                {t('targets.editAll', { count: list.total })}
              </Button>
              {filtered(search) && (
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<IconTrash size={14} aria-hidden />}
                  onClick={() => setAsking({ what: 'delete', scope: whole, count: list.total })}
                >
                  {t('targets.deleteAll', { count: list.total })}
                </Button>
              )}
            </>
          )}
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            disabled={list.total === 0}
            onClick={() => begin({ what: 'export', save: true })}
          >
            {t('targets.export')}
          </Button>
          {may && (
            <>
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconClipboardPlus size={14} aria-hidden />}
                onClick={() => begin({ what: 'paste' })}
              >
                {t('targets.paste')}
              </Button>
              <Button
                size="compact-sm"
                leftSection={<IconPlus size={14} aria-hidden />}
                aria-keyshortcuts="n"
                onClick={create}
              >
                {t('targets.new')}
              </Button>
            </>
          )}
        </span>
      </div>
      <Filters search={search} set={set} ofJob={job !== undefined} />
      {job?.targets_managed_by && <p className="dim managed">{t('targets.managed', { by: job.targets_managed_by })}</p>}
      <Failure error={error ?? list.error} retry={list.error ? list.refetch : undefined} />
      <Follow
        nodes={followed}
        close={() => setFollowed([])}
        loaded={() => forgetHealth(here.current.map((r) => r.id))}
      />
      {creating && (
        <Create
          job={jobId}
          node={node}
          close={() => {
            setCreating(false);
            focusTable();
          }}
          done={(target) => void made(target)}
        />
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it listens to the table in it */}
      <div
        className="targets"
        ref={box}
        onDoubleClick={twice}
        onKeyDownCapture={() => {
          byKey.current = true;
        }}
        onMouseDownCapture={() => {
          byKey.current = false;
        }}
      >
        {!list.pending && list.total === 0 && !list.error && !editing ? (
          <Empty filtered={filtered(search)} deleted={deleted === true} may={may} />
        ) : (
          <EditRow editing={editing} done={edited}>
            <HealthOf ids={drawn}>{grid}</HealthOf>
          </EditRow>
        )}
      </div>
      <Same
        cli={promfleet('target', 'list', ...cliArgs({ ...filter }))}
        api={curl('GET', '/targets', { query: { ...filter } })}
      />
      {open?.what === 'paste' && (
        <Paste job={jobId} node={node} text={open.text} close={close} done={(nodes) => follow(nodes, new Map())} />
      )}
      {open?.what === 'export' && (
        <Export
          filter={filter}
          total={list.total}
          save={open.save}
          file={job ? `targets-${job.key}` : 'targets'}
          close={close}
        />
      )}
      {open?.what === 'bulk' && (
        <Bulk
          scope={open.scope}
          count={open.count}
          close={close}
          done={(nodes, written) => changedMany(nodes, written, open.count)}
        />
      )}
      {asking?.what === 'delete' && (
        <Remove
          scope={asking.scope}
          count={asking.count}
          only={asking.count === 1 && 'ids' in asking.scope ? rowOf(asking.scope.ids[0] ?? 0) : undefined}
          close={() => setAsking(undefined)}
          done={(nodes, written) => changedMany(nodes, written, asking.count)}
        />
      )}
      {asking?.what === 'restore' && (
        <Restore
          ids={asking.ids}
          close={() => setAsking(undefined)}
          done={(restored, nodes) => {
            setSelected((old) => new Set([...old].filter((id) => !restored.includes(Number(id)))));
            follow(nodes, new Map());
          }}
        />
      )}
      {shown !== undefined &&
        (show === 'history' ? (
          <History
            id={shown}
            addr={rowOf(shown)?.addr}
            job={rowOf(shown)?.job ?? jobId}
            explain={() => set({ show: 'explain' }, true)}
            close={() => set({ target: undefined, show: undefined })}
          />
        ) : (
          <ExplainDrawer targetId={shown} close={() => set({ target: undefined, show: undefined })} />
        ))}
    </>
  );
}

function cliArgs(filter: ListFilter): (string | number)[] {
  const args: (string | number)[] = [];
  for (const [name, value] of Object.entries(filter)) {
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v === true) args.push(`--${name}`);
      else if (v !== undefined) args.push(`--${name}`, v);
    }
  }
  return args;
}

function Empty({ filtered, deleted, may }: { filtered: boolean; deleted: boolean; may: boolean }) {
  const { t } = useTranslation();
  return (
    <div className="empty">
      <h2>{t(filtered ? 'targets.none' : deleted ? 'targets.noneDeleted' : 'targets.empty')}</h2>
      {!filtered && !deleted && may && <p>{t('targets.emptyHelp')}</p>}
    </div>
  );
}
