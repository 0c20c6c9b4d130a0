import { Button, FileButton, Modal, Progress, Textarea } from '@mantine/core';
import { IconFileImport } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Preview } from '../../api/client';
import { Failure } from '../../components/failure';
import { PreviewOf } from '../../components/preview';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { useUnsaved } from '../../components/unsaved';
import { useGiveBack } from '../../components/use-give-back';
import { JobPicker } from './pickers';
import { bodyOf, type Plan, planOf, readRows, Sheet } from './rows';
import { SheetTable } from './sheettable';
import { decoded } from './text';
import { markRefused, previewUpsert, type SetChange, writeUpsert } from './upsert';

interface Props {
  job?: number;
  /** The node whose jobs can be chosen. */
  node?: string;
  /** What was pasted onto the page. */
  text?: string;
  close: () => void;
  /** Something was written, on these nodes. */
  done: (nodes: string[]) => void;
}

/** Targets from a clipboard or a file: read, corrected, seen before they are written. */
export function Paste({ job: given, node, text: pasted, close, done }: Props) {
  const { t } = useTranslation();
  useGiveBack();
  const [job, setJob] = useState(given);
  const [text, setText] = useState(pasted);
  const [nth, setNth] = useState(0); // another text is read anew
  const [leaving, setLeaving] = useState(false);
  const dirty = text !== undefined;
  const [correcting, setCorrecting] = useState(false); // which comes first
  const [result, setResult] = useState<SetChange>();
  useUnsaved(dirty && !result, undefined, { inDialog: true });
  // What was corrected by hand is not thrown away by a key that was pressed by mistake.
  const leave = () => (dirty && !result && !leaving ? setLeaving(true) : close());
  return (
    <Modal
      opened
      onClose={leave}
      size="min(1240px, 96vw)"
      title={t('targets.paste')}
      closeButtonProps={{ 'aria-label': t('app.close') }}
      closeOnClickOutside={!dirty}
    >
      <div className="stack paste">
        {leaving && (
          <div role="alert" className="spread leaving">
            {t('targets.leavePaste')}
            <Button size="compact-sm" color="red" onClick={close}>
              {t('targets.throwAway')}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setLeaving(false)} data-autofocus>
              {t('targets.goOn')}
            </Button>
          </div>
        )}
        {given === undefined && !result && (
          <JobPicker node={node} value={job} onChange={setJob} label={t('targets.intoJob')} autoFocus={!correcting} />
        )}
        {result ? (
          <Result result={result} close={close} />
        ) : text === undefined ? (
          <Input
            take={(taken) => {
              setText(taken);
              setNth((n) => n + 1);
            }}
          />
        ) : (
          <Read
            key={nth}
            text={text}
            job={job}
            again={() => setText(undefined)}
            found={(sheet) => setCorrecting(sheet.counts.bad > 0)}
            done={(change, nodes) => {
              setResult(change);
              done(nodes);
            }}
          />
        )}
      </div>
    </Modal>
  );
}

const example = 'addr,name,labels.env\n10.0.0.1:9100,web-1,prod';

function Input({ take }: { take: (text: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  return (
    <>
      <p>{t('targets.pasteHelp')}</p>
      <Textarea
        aria-label={t('targets.pasteHere')}
        placeholder={example}
        classNames={{ input: 'mono' }}
        rows={10}
        value={typed}
        onChange={(e) => setTyped(e.currentTarget.value)}
        onPaste={(e) => {
          const text = e.clipboardData.getData('text/plain');
          if (typed !== '' || text.trim() === '') return; // it is typed on
          e.preventDefault(); // a field does not draw many thousand lines
          take(text);
        }}
        data-autofocus
        spellCheck={false}
      />
      <div className="spread">
        <Button disabled={typed.trim() === ''} onClick={() => take(typed)}>
          {t('targets.read')}
        </Button>
        <FileButton
          accept=".csv,.tsv,.txt,text/csv,text/plain"
          onChange={(file) => {
            if (file) void file.arrayBuffer().then((bytes) => take(decoded(bytes)));
          }}
        >
          {(props) => (
            <Button {...props} variant="default" leftSection={<IconFileImport size={15} aria-hidden />}>
              {t('targets.file')}
            </Button>
          )}
        </FileButton>
      </div>
    </>
  );
}

/** Gives the focus to a button that comes, if it can be pressed. */
const begin = (button: HTMLButtonElement | null) => {
  if (button && !button.disabled) button.focus();
};

interface ReadProps {
  text: string;
  job?: number;
  again: () => void;
  /** The rows are read. */
  found: (sheet: Sheet) => void;
  done: (change: SetChange, nodes: string[]) => void;
}

function Read({ text, job, again, found, done }: ReadProps) {
  const { t } = useTranslation();
  const [plan, setPlan] = useState<Plan>(() => planOf(text));
  const [sheet, setSheet] = useState<Sheet>();
  const [share, setShare] = useState(0);
  const [, redraw] = useState(0);
  const [preview, setPreview] = useState<Preview>();
  const tell = useRef(found);
  tell.current = found;
  const prepared = useRef<{ body: Blob; rows: number[] }>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    setSheet(undefined);
    setPreview(undefined);
    readRows(text, plan, setShare, abort.signal)
      .then((rows) => Sheet.of(rows, abort.signal))
      .then(
        (sheet) => {
          setSheet(sheet);
          tell.current(sheet);
        },
        () => undefined, // read anew, in another way
      );
    return () => abort.abort();
  }, [text, plan]);
  const edits = useRef(0); // a row that is corrected meanwhile is not in what was tried
  const trying = useMutation({
    mutationFn: async (_edit: number) => {
      if (!sheet || job === undefined) throw new Error('nothing to write');
      prepared.current = await bodyOf(sheet);
      return previewUpsert(job, prepared.current.body);
    },
    onSuccess: (got, edit) => {
      if (edit === edits.current) setPreview(got);
    },
    onError: (error) => {
      if (sheet && prepared.current && markRefused(error, sheet, prepared.current.rows)) redraw((n) => n + 1);
    },
  });
  const writing = useMutation({
    mutationFn: () => {
      if (!prepared.current || job === undefined) throw new Error('nothing to write');
      return writeUpsert(job, prepared.current.body);
    },
    onSuccess: (change) =>
      done(
        change,
        (preview?.nodes ?? []).map((n) => n.node),
      ),
    onError: (error) => {
      if (sheet && prepared.current && markRefused(error, sheet, prepared.current.rows)) setPreview(undefined);
    },
  });
  if (!sheet) {
    return (
      <>
        <p role="status">{t('targets.reading')}</p>
        <Progress value={share * 100} animated aria-label={t('targets.reading')} />
      </>
    );
  }
  const { good, bad, out } = sheet.counts;
  const changed = () => {
    edits.current++;
    trying.reset();
    writing.reset();
    redraw((n) => n + 1);
  };
  const busy = trying.isPending || writing.isPending;
  return (
    <>
      <p className="spread counts-line" role="status">
        <b>{t('targets.rowsGood', { count: good })}</b>
        {bad > 0 && <b className="downs">{t('targets.rowsBad', { count: bad })}</b>}
        {out > 0 && <span className="dim">{t('targets.rowsOut', { count: out })}</span>}
        {good + bad + out === 0 && <span>{t('targets.rowsNone')}</span>}
      </p>
      {preview ? (
        <>
          <p>{t('targets.upsertHelp')}</p>
          <PreviewOf preview={preview} />
        </>
      ) : (
        <SheetTable sheet={sheet} plan={plan} setPlan={setPlan} changed={changed} />
      )}
      <Failure error={writing.error ?? trying.error} />
      {busy && (
        <div role="status">
          <p>{t(writing.isPending ? 'targets.writing' : 'targets.checking', { count: good })}</p>
          <Progress value={100} animated aria-label={t('targets.checking', { count: good })} />
        </div>
      )}
      <div className="spread dialogfoot">
        {preview ? (
          <>
            <Button onClick={() => writing.mutate()} loading={writing.isPending} data-autofocus>
              {t('targets.writeThem', { count: good })}
            </Button>
            <Button variant="default" onClick={() => setPreview(undefined)} disabled={busy}>
              {t('targets.back')}
            </Button>
          </>
        ) : (
          <>
            <Button
              ref={begin}
              data-autofocus={bad === 0 || undefined}
              disabled={bad > 0 || good === 0 || job === undefined}
              loading={trying.isPending}
              onClick={() => trying.mutate(edits.current)}
            >
              {t('settings.preview')}
            </Button>
            {bad > 0 && (
              <Button
                variant="default"
                onClick={() => {
                  sheet.leaveOutBad();
                  changed();
                }}
              >
                {t('targets.leaveOutBad', { count: bad })}
              </Button>
            )}
            <Button variant="default" onClick={again} disabled={busy}>
              {t('targets.another')}
            </Button>
            {bad > 0 && <span className="dim">{t('targets.correct')}</span>}
            {job === undefined && bad === 0 && <span className="dim">{t('targets.pickJob')}</span>}
          </>
        )}
      </div>
      {job !== undefined && (
        <Same
          cli={promfleet('target', 'import', '--job', job, 'targets.csv')}
          api={curl('POST', `/jobs/${job}/targets`).replace(
            ' http',
            " -H 'Content-Type: text/csv' --data-binary @targets.csv http",
          )}
        />
      )}
    </>
  );
}

function Result({ result, close }: { result: SetChange; close: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <p role="status">
        <b>{t('targets.written')}</b>{' '}
        {[
          t('targets.created', { count: result.created }),
          t('targets.updated', { count: result.updated }),
          t('targets.kept', { count: result.kept }),
        ].join(' · ')}
      </p>
      <Button className="start" onClick={close} data-autofocus>
        {t('app.close')}
      </Button>
    </>
  );
}
