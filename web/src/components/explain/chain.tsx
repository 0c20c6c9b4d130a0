import { Button } from '@mantine/core';
import { IconCheck, IconMinus, IconProgressDown, IconQuestionMark, IconX, type TablerIcon } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ExplainedChain, RelabelStep, Stage } from '../../data/explain';
import { Command } from '../copy';
import { Name, plain } from '../name';
import { numberText } from '../number';
import { word } from '../shell-words';
import { Ago, duration } from '../time';
import { Change, Labels } from './labels';
import { linksOf, type Mark, placeOf } from './links';

const icons: Record<Mark, TablerIcon | undefined> = {
  passed: IconCheck,
  absent: IconMinus,
  broken: IconX,
  underway: IconProgressDown,
  open: IconQuestionMark,
  beyond: undefined,
};

interface Props {
  of: ExplainedChain;
  node: string;
}

/** The way of one target from its record to its last scrape, drawn link by link. */
export function Chain({ of: chain, node }: Props) {
  const { t } = useTranslation();
  return (
    <ol className="chain">
      {linksOf(chain).map(({ stage, mark }) => {
        const Icon = icons[mark];
        return (
          <li key={stage} data-mark={mark} data-state={mark === 'underway' ? 'applying' : undefined}>
            <span className="dot" aria-hidden>
              {Icon && <Icon size={14} stroke={3} />}
            </span>
            <div className="link-body">
              <p className="link-head">
                <b>{t(`explain.stage.${stage}`)}</b>
                <span className="visually-hidden">: </span>
                <span className={mark === 'passed' || mark === 'absent' ? 'visually-hidden' : 'mark'}>
                  {t(`explain.mark.${mark === 'beyond' && chain.scraped === 'unknown' ? 'unknown' : mark}`)}
                </span>
              </p>
              {mark !== 'beyond' && <Body chain={chain} stage={stage} node={node} mark={mark} />}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

interface BodyProps {
  chain: ExplainedChain;
  stage: Stage;
  mark: Mark;
  node: string;
}

function Body(props: BodyProps) {
  switch (props.stage) {
    case 'record':
      return <RecordOf {...props} />;
    case 'rendered':
      return <Rendered {...props} />;
    case 'discovered':
      return <Discovered {...props} />;
    case 'relabelled':
      return <Relabelled {...props} />;
    case 'scraped':
      return <Scrape {...props} />;
  }
}

/** The page of the job that a chain is of, if the server knows it. */
function JobLink({ chain, node, children }: { chain: ExplainedChain; node: string; children: ReactNode }) {
  if (chain.job === '') return <>{children}</>;
  const target = chain.record?.id;
  const deleted = chain.record?.deleted_at ? true : undefined;
  return (
    <Link to="/nodes/$uuid/jobs/$key" params={{ uuid: node, key: chain.job }} search={{ target, deleted }}>
      {children}
    </Link>
  );
}

function RecordOf({ chain, node }: BodyProps) {
  const { t } = useTranslation();
  const { record } = chain;
  if (!record) return <p className="dim">{t('explain.noRecord')}</p>;
  return (
    <>
      <p className="spread tight">
        <JobLink chain={chain} node={node}>
          <Name of={record.addr} className="mono" />
        </JobLink>
        {record.name && <Name of={record.name} />}
        <span className="dim">{t('explain.record', { id: record.id })}</span>
      </p>
      {Object.keys(record.labels).length > 0 && <Labels of={record.labels} />}
      {record.deleted_at && (
        <p>
          <b>{t('explain.deleted')}</b> <Ago at={record.deleted_at} />
          {record.deleted_by && (
            <>
              {' · '}
              <Name of={record.deleted_by} />
            </>
          )}
        </p>
      )}
      {record.deleted_at && chain.job !== '' && (
        <Button
          className="start"
          size="compact-sm"
          variant="default"
          renderRoot={(props) => (
            <Link
              {...props}
              to="/nodes/$uuid/jobs/$key"
              params={{ uuid: node, key: chain.job }}
              search={{ target: record.id, deleted: true }}
            />
          )}
        >
          {t('explain.toDeleted')}
        </Button>
      )}
    </>
  );
}

function Rendered({ chain, mark, node }: BodyProps) {
  const { t } = useTranslation();
  const { rendered, seen } = chain;
  const path = seen?.in_file || rendered?.path;
  const steps = ['received', 'written', 'loaded'] as const;
  const No = mark === 'underway' ? IconProgressDown : IconX;
  return (
    <>
      {path ? (
        <p className="spread tight">
          <span className="mono">{plain(path)}</span>
          {seen?.inline && <span>{t('explain.inline')}</span>}
          {rendered && <span className="dim">{t('explain.revision', { revision: rendered.revision })}</span>}
        </p>
      ) : (
        <p className="dim">{t('explain.noFile')}</p>
      )}
      {mark !== 'passed' && mark !== 'absent' && (
        <>
          {rendered && (
            <ul className="marks">
              {steps.map((step) => (
                <li key={step}>
                  {rendered[step] ? <IconCheck size={13} aria-hidden /> : <No size={13} aria-hidden />}
                  {t(`explain.${rendered[step] ? step : `not_${step}`}`)}
                </li>
              ))}
            </ul>
          )}
          <Link to="/nodes/$uuid" params={{ uuid: node }}>
            {t('explain.toNode')}
          </Link>
        </>
      )}
    </>
  );
}

function Discovered({ chain, mark }: BodyProps) {
  const { t } = useTranslation();
  if (mark === 'broken') return <p>{t('explain.notDiscovered')}</p>;
  if (!chain.seen?.discovered) return null;
  return <Labels of={chain.seen.discovered} />;
}

function Relabelled({ chain, mark, node }: BodyProps) {
  const { t } = useTranslation();
  const { seen } = chain;
  if (!seen) return null;
  const steps = seen.steps ?? [];
  return (
    <>
      {steps.length > 0 && (
        <ol className="relabel">
          {steps.map((step) => (
            <Step key={step.index} step={step} />
          ))}
        </ol>
      )}
      {steps.length > 0 && seen.steps_by && <p className="dim small">{t(`explain.by_${seen.steps_by}`)}</p>}
      {seen.state === 'merged' && (
        <p>
          {t('explain.merged')} {seen.merged_with && <Name of={seen.merged_with} className="mono" />}
        </p>
      )}
      {mark === 'broken' && seen.state !== 'merged' && !steps.some((s) => s.drops) && (
        <p>{t(seen.state === 'hidden' ? 'explain.hiddenDrop' : 'explain.unknownDrop')}</p>
      )}
      {mark === 'broken' ? (
        <Mend chain={chain} node={node} />
      ) : (
        seen.labels && (
          <>
            {steps.length === 0 && <p className="dim">{t('explain.noSteps')}</p>}
            <Labels of={seen.labels} />
          </>
        )
      )}
    </>
  );
}

/** The way to the line that is to be changed. */
function Mend({ chain, node }: { chain: ExplainedChain; node: string }) {
  const { t } = useTranslation();
  const at = placeOf(chain);
  if (chain.job === '') return null;
  return (
    <Button
      className="start"
      size="compact-sm"
      variant="default"
      renderRoot={(props) => (
        <Link {...props} to="/nodes/$uuid/jobs/$key/config" params={{ uuid: node, key: chain.job }} search={{ at }} />
      )}
    >
      {at ? t('explain.toLine', { at }) : t('explain.toJob')}
    </Button>
  );
}

function Step({ step }: { step: RelabelStep }) {
  const { t } = useTranslation();
  const compares = step.action === 'keepequal' || step.action === 'dropequal';
  const sources = step.source_labels ?? [];
  return (
    <li data-drops={step.drops || undefined}>
      <p className="spread tight">
        <span className="mono">relabel_configs[{step.index}]</span>
        <b className="mono">{plain(step.action)}</b>
      </p>
      {step.drops && (
        <>
          <dl className="facts">
            <dt>source_labels</dt>
            <dd className="mono">[{plain(sources.join(', '))}]</dd>
            <dt>{t('explain.value')}</dt>
            <dd className="mono">
              <bdi>{plain(JSON.stringify(step.input))}</bdi>
            </dd>
            <dt>{compares ? 'target_label' : 'regex'}</dt>
            <dd className="mono">
              <bdi>{plain((compares ? step.target_label : step.regex) ?? '')}</bdi>
            </dd>
          </dl>
          <p>{t(`explain.drops.${known(step.action)}`)}</p>
        </>
      )}
      {step.changes && step.changes.length > 0 && (
        <ul className="changes">
          {step.changes.map((c) => (
            <li key={c.label}>
              <Change {...c} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

const dropping = ['keep', 'drop', 'keepequal', 'dropequal'];
const known = (action: string) => (dropping.includes(action) ? action : 'other');

function Scrape({ chain, mark }: BodyProps) {
  const { t } = useTranslation();
  const scrape = chain.seen?.scrape;
  if (!scrape) return null;
  const { samples, kept } = scrape;
  return (
    <>
      {scrape.error && <p className="mono pre said">{plain(scrape.error)}</p>}
      <dl className="facts">
        <dt>{t('explain.health')}</dt>
        <dd>{t(`explain.healthOf.${scrape.health}`)}</dd>
        <dt>{t('explain.when')}</dt>
        <dd>
          <Ago at={scrape.at} />
          {scrape.at && <span className="dim"> · {t('explain.took', { time: duration(scrape.seconds * 1000) })}</span>}
        </dd>
        {samples !== undefined && (
          <>
            <dt>{t('explain.samples')}</dt>
            <dd>
              {numberText(samples)}
              {kept !== undefined && kept < samples && (
                <span className="dim"> · {t('explain.kept', { dropped: numberText(samples - kept) })}</span>
              )}
            </dd>
          </>
        )}
        {scrape.interval && (
          <>
            <dt>{t('explain.interval')}</dt>
            <dd className="mono">
              {scrape.interval}
              {scrape.timeout && ` / ${scrape.timeout}`}
            </dd>
          </>
        )}
        <dt>URL</dt>
        <dd className="mono">
          <Name of={scrape.url} />
        </dd>
      </dl>
      {mark === 'broken' && scrape.health === 'down' && (
        <>
          <p className="dim">{t('explain.try')}</p>
          <Command text={`curl -v ${word(scrape.url)}`} />
        </>
      )}
    </>
  );
}
