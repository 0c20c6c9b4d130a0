import { Button, Modal, Progress } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Target } from '../../api/client';
import { Failure } from '../../components/failure';
import { numberText } from '../../components/number';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { useGiveBack } from '../../components/use-give-back';
import { hostOf } from '../../data/hosts';
import { queryClient } from '../../data/queries';
import { type CsvTarget, csvOf } from './csv';
import { jobOf, type ListFilter } from './data';

/** Reads all that a filter selects, a page after the other. */
async function readAll(filter: ListFilter, progress: (done: number, total: number) => void, signal: AbortSignal) {
  const all: Target[] = [];
  for (let cursor = ''; ; ) {
    const query = { ...filter, sort: undefined, limit: 1000, ...(cursor ? { cursor } : {}) };
    const page = await ok(api.GET('/api/v1/targets', { params: { query }, signal }));
    all.push(...(page.items ?? []));
    progress(all.length, page.total);
    cursor = page.next_cursor;
    if (cursor === '') return all;
  }
}

/** Reads all targets of a job, which come as one answer, a line each. */
async function readJob(job: number, progress: (done: number) => void, signal: AbortSignal): Promise<Target[]> {
  const stream = await ok(
    api.GET('/api/v1/jobs/{id}/targets', {
      params: { path: { id: job } },
      headers: { Accept: 'application/x-ndjson' },
      parseAs: 'stream',
      signal,
    }),
  );
  const all: Target[] = [];
  const decoder = new TextDecoder();
  const reader = (stream as unknown as ReadableStream<Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') all.push(JSON.parse(line) as Target);
    progress(all.length);
    if (done) return all;
  }
}

async function csvTargets(targets: Target[], where: boolean): Promise<CsvTarget[]> {
  const of = (t: Target) => ({ addr: t.addr, name: t.name, remark: t.remark, labels: t.labels, tags: t.tags ?? [] });
  if (!where) return targets.map(of);
  const ids = [...new Set(targets.map((t) => t.job))];
  const jobs = new Map(
    await Promise.all(ids.map(async (id) => [id, await queryClient.fetchQuery(jobOf(id))] as const)),
  );
  const uuids = [...new Set([...jobs.values()].flatMap((j) => (j ? [j.node] : [])))];
  const hosts = new Map(
    await Promise.all(uuids.map(async (u) => [u, await queryClient.fetchQuery(hostOf(u))] as const)),
  );
  return targets.map((t) => {
    const job = jobs.get(t.job);
    return { ...of(t), job: job?.key ?? String(t.job), node: job ? (hosts.get(job.node)?.hostname ?? job.node) : '' };
  });
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

interface Props {
  filter: ListFilter;
  /** How many that is, as far as it is known. */
  total: number;
  /** Its name, without the ending. */
  file: string;
  /** It was asked for by hand: an address saves no file by itself. */
  save?: true;
  close: () => void;
}

/** Makes a CSV file of all that the filter selects. */
export function Export({ filter, total, file, save, close }: Props) {
  const { t } = useTranslation();
  useGiveBack();
  const [at, setAt] = useState({ done: 0, total: 0 });
  const [error, setError] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [made, setMade] = useState<{ blob: Blob; count: number }>();
  const [saved, setSaved] = useState(save === true);
  const given = useRef({ filter, file, total, save });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads again
  useEffect(() => {
    const abort = new AbortController();
    const run = async () => {
      const { filter, file, total, save } = given.current;
      const { job } = filter;
      const whole = job !== undefined && !filter.q && !filter.tag && !filter.addr && !filter.deleted;
      const targets = whole
        ? await readJob(job, (done) => setAt({ done, total: Math.max(done, total) }), abort.signal)
        : await readAll(filter, (done, total) => setAt({ done, total }), abort.signal);
      const where = filter.job === undefined;
      const blob = await csvOf(await csvTargets(targets, where), where);
      if (abort.signal.aborted) return;
      setMade({ blob, count: targets.length });
      if (save) download(blob, `${file}.csv`);
    };
    setError(null);
    run().catch((e: unknown) => {
      if (!abort.signal.aborted) setError(e as Error);
    });
    return () => abort.abort();
  }, [attempt]);
  const { sort: _, ...query } = filter;
  return (
    <Modal
      opened
      onClose={close}
      title={t('targets.export')}
      closeButtonProps={{ 'aria-label': t('app.close') }}
      size="lg"
    >
      <div className="stack">
        <Failure error={error} retry={() => setAttempt((n) => n + 1)} />
        {made ? (
          <p role="status">{t('targets.exported', { count: made.count, file: `${file}.csv` })}</p>
        ) : (
          <>
            <p role="status">{t('targets.exporting', { done: numberText(at.done), total: numberText(at.total) })}</p>
            <Progress
              value={at.total === 0 ? 0 : (at.done / at.total) * 100}
              animated
              aria-label={t('targets.export')}
            />
          </>
        )}
        <p className="dim">{t('targets.exportHelp')}</p>
        <div className="spread">
          {made && (
            <Button
              onClick={() => {
                download(made.blob, `${file}.csv`);
                setSaved(true);
              }}
            >
              {t(saved ? 'targets.exportAgain' : 'targets.exportSave')}
            </Button>
          )}
          <Button variant="default" onClick={close} data-autofocus>
            {made ? t('app.close') : t('app.cancel')}
          </Button>
        </div>
        {filter.job === undefined ? (
          <Same cli={promfleet('target', 'list', '-o', 'json')} api={curl('GET', '/targets', { query })} />
        ) : (
          <Same
            cli={promfleet('target', 'export', '--job', filter.job, '--format', 'csv')}
            api={curl('GET', `/jobs/${filter.job}/targets`).replace('curl ', "curl -H 'Accept: text/csv' ")}
          />
        )}
      </div>
    </Modal>
  );
}
