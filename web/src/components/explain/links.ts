import type { ExplainedChain, Scraped, Stage } from '../../data/explain';

/** The stages from a record to a scrape, in their order. */
export const stages: Stage[] = ['record', 'rendered', 'discovered', 'relabelled', 'scraped'];

/**
 * How a link of the chain is: passed; absent, where there is nothing and nothing is
 * needed; broken; underway, where it goes on by itself; open, where what comes then is
 * not known; beyond a break.
 */
export type Mark = 'passed' | 'absent' | 'broken' | 'underway' | 'open' | 'beyond';

export interface Link {
  stage: Stage;
  mark: Mark;
}

/** The answer of a chain, of a node or of the whole: what goes on by itself is not scraped yet. */
export type Answer = Scraped | 'soon';

export const answerOf = (of: { scraped: Scraped; under_way: boolean }): Answer => (of.under_way ? 'soon' : of.scraped);

/** The links of a chain, up to where it breaks or is known, and what is beyond. */
export function linksOf(chain: ExplainedChain): Link[] {
  const end = stages.indexOf(chain.stage);
  return stages.map((stage, i) => {
    if (i > end) return { stage, mark: 'beyond' };
    if (i === end && chain.scraped === 'no') return { stage, mark: chain.under_way ? 'underway' : 'broken' };
    if (i === end && chain.scraped === 'unknown') return { stage, mark: 'open' };
    if (stage === 'record' && !chain.record) return { stage, mark: 'absent' };
    if (stage === 'rendered' && !chain.rendered && !chain.seen?.in_file) return { stage, mark: 'absent' };
    return { stage, mark: 'passed' };
  });
}

const order: Answer[] = ['no', 'soon', 'unknown', 'yes'];

/** The worst first; what is as bad stays in its order. */
export function worstFirst<T extends { scraped: Scraped; under_way: boolean }>(all: T[]): T[] {
  return [...all].sort((a, b) => order.indexOf(answerOf(a)) - order.indexOf(answerOf(b)));
}

/** The place in a job's scrape_config that a chain breaks at. */
export function placeOf(chain: ExplainedChain): string | undefined {
  if (chain.stage !== 'relabelled' || chain.scraped !== 'no') return undefined;
  const drops = chain.seen?.steps?.find((s) => s.drops);
  return drops && `relabel_configs[${drops.index}]`;
}

/** Whether a label is one that an operator looks for: the address, and what is not Prometheus's own. */
export const isPlainLabel = (name: string) =>
  name === '__address__' || name.startsWith('__param_') || !name.startsWith('__');

/** Labels in the order that they are shown in: the address, then by name. */
export function sortedLabels(labels: Record<string, string>): [string, string][] {
  const first = (name: string) => (name === '__address__' ? 0 : 1);
  return Object.entries(labels).sort(([a], [b]) => first(a) - first(b) || (a < b ? -1 : a > b ? 1 : 0));
}
