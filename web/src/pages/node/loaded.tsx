import { Button, Checkbox, SegmentedControl } from '@mantine/core';
import { IconCircleCheck, IconGitFork, IconHelpCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Code } from '../../components/code';
import { Failure } from '../../components/failure';
import { plain } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { SideBySide } from '../../components/side-by-side';
import { Ago } from '../../components/time';
import { loadedQuery, type NodeLoaded } from '../../data/host';
import type { ConfigSearch } from '../../router';
import { Asking, Unanswered, useLate } from './asking';
import { useNode } from './use-node';
import { standing, telling } from './verdict';

/** What the node should have, against what its file says and its Prometheus has loaded. */
export function Loaded() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { data, error, refetch, isFetching } = useQuery(loadedQuery(node));
  const late = useLate(isFetching);
  return (
    <>
      {error && <Failure error={error} retry={refetch} />}
      {!data && !error && <Asking />}
      {data && (
        <>
          <div className="spread">
            <span className="dim">
              {t('loaded.asked')} <Ago at={data.at} />
            </span>
            {data.revision_wanted > 0 && (
              <span className="dim">
                {t('loaded.revisions', { wanted: data.revision_wanted, loaded: data.revision_loaded })}
              </span>
            )}
            <Button className="push" size="compact-sm" variant="default" loading={late} onClick={() => void refetch()}>
              {t('loaded.again')}
            </Button>
          </div>
          {data.agent === 'answered' ? (
            <Compared of={data} />
          ) : (
            <Unanswered agent={data.agent} says={data.agent_says} />
          )}
        </>
      )}
      <Same cli={promfleet('node', 'loaded', node.uuid)} api={curl('GET', `/nodes/${node.uuid}/loaded`)} />
    </>
  );
}

const sides = ['wanted', 'written', 'loaded'] as const;

function Compared({ of }: { of: NodeLoaded }) {
  const { t } = useTranslation();
  const { node } = useNode();
  const search = useSearch({ from: '/shell/nodes/$uuid/config' });
  const navigate = useNavigate({ from: '/nodes/$uuid/config' });
  const stands = standing(of);
  const side = search.side ?? telling(of);
  const other = of[side];
  const [Icon, look] =
    stands === 'same'
      ? ([IconCircleCheck, 'in_sync'] as const)
      : stands === 'unknown'
        ? ([IconHelpCircle, 'stale'] as const)
        : ([IconGitFork, 'drifted'] as const);
  const differs = !of.wanted.missing && !other.missing && other.text !== of.wanted.text;
  const show = (changed: ConfigSearch) =>
    void navigate({ search: { ...search, view: 'loaded', ...changed }, replace: true });
  const behind = of.revision_wanted > 0 && of.revision_wanted < of.revision_now;
  return (
    <>
      <section className="truth" data-state={look} aria-live="polite">
        <Icon size={20} aria-hidden />
        <div>
          <p>
            <b>{t(`loaded.stands.${stands}`)}</b>
          </p>
          {sides.map((s) => of[s].missing && <p key={s}>{t(`loaded.missing.${s}`, { why: plain(of[s].missing) })}</p>)}
          {behind && <p>{t('loaded.behind', { wanted: of.revision_wanted, now: of.revision_now })}</p>}
          {of.problem && (
            <p>
              <span className="mono pre">{plain(of.problem)}</span>{' '}
              <Link to="/nodes/$uuid" params={{ uuid: node.uuid }}>
                {t('loaded.overview')}
              </Link>
            </p>
          )}
          {of.notes?.map((note) => (
            <p key={note}>{plain(note)}</p>
          ))}
        </div>
      </section>
      {stands !== 'same' && (
        <div className="spread">
          <SegmentedControl
            size="xs"
            aria-label={t('loaded.side')}
            value={side}
            onChange={(s) => show({ side: s === 'written' ? 'written' : 'loaded' })}
            data={[
              { value: 'loaded', label: t('loaded.withLoaded') },
              { value: 'written', label: t('loaded.withWritten') },
            ]}
          />
          {differs && (
            <Checkbox
              size="xs"
              label={t('loaded.whole')}
              checked={search.lines === 'all'}
              onChange={(e) => show({ lines: e.currentTarget.checked ? 'all' : undefined })}
            />
          )}
        </div>
      )}
      {differs && (
        <SideBySide
          left={of.wanted.text}
          right={other.text}
          leftLabel={t('loaded.wanted', { revision: of.revision_wanted })}
          rightLabel={t(`loaded.${side}`)}
          whole={search.lines === 'all'}
        />
      )}
      {!differs && (of.wanted.text || other.text) && (
        <Code
          label={t(of.wanted.missing || !other.missing ? `loaded.${side}` : 'loaded.wanted', {
            revision: of.revision_wanted,
          })}
          text={of.wanted.text || other.text}
        />
      )}
      <p className="dim small">{t('loaded.help')}</p>
    </>
  );
}
