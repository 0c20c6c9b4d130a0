import { IconCircleX } from '@tabler/icons-react';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Node } from '../../api/client';
import { Chain } from '../../components/explain/chain';
import { Failure } from '../../components/failure';
import { plain } from '../../components/name';
import { type Explained, explainQuery } from '../../data/explain';
import '../../styles/explain.css';
import type { First } from './data';

/** What has become of the first target, looked at until it is scraped. */
export function useFirstSample(node: string | undefined, first: First | undefined) {
  const addr = first?.target?.addr ?? '';
  return useQuery({
    ...explainQuery({ addr, node, job: first?.job?.key }),
    enabled: node !== undefined && addr !== '',
    refetchInterval: (query) => (query.state.data?.scraped === 'yes' ? 30_000 : 2_500),
  });
}

interface Props {
  node: Node;
  first: First;
  sample: UseQueryResult<Explained, Error>;
}

/** The first sample: that it is there, or what stands in its way. */
export function FirstSample({ node, first, sample }: Props) {
  const { t } = useTranslation();
  const { data, error } = sample;
  const good = data?.scraped === 'yes';
  const chain = data?.items?.[0]?.chains?.[0];
  const { target, job } = first;
  // That it is on its way, and not scraped for that reason, is no fault.
  const wrong = chain && !good && (chain.stage === 'relabelled' || chain.seen?.scrape?.health === 'down');
  // Prometheus looks into its files every few seconds: a target that was just added is not discovered yet.
  const shown = chain?.stage === 'discovered' ? { ...chain, under_way: true } : chain;
  return (
    <>
      <p role="status" className="listening">
        {!good && !wrong && <span className="pulse" aria-hidden />}
        {wrong && (
          <span className="state" data-state="failed">
            <IconCircleX size={17} aria-hidden />
            {t('explain.scraped.no')}
          </span>
        )}
        <span>{data ? plain(data.verdict) : t('explain.asking')}</span>
      </p>
      {wrong && target && job && (
        <p className="spread">
          <Link to="/nodes/$uuid/jobs/$key" params={{ uuid: node.uuid, key: job.key }} search={{ target: target.id }}>
            {t('start.edit')}
          </Link>
          <span className="dim">{t('start.again')}</span>
        </p>
      )}
      <Failure error={error} />
      {shown && !good && <Chain of={shown} node={node.uuid} />}
      {data && !chain && data.items?.[0]?.agent_says && <p className="mono pre">{plain(data.items[0].agent_says)}</p>}
    </>
  );
}
