import type { TFunction } from 'i18next';
import type { Problem } from './rules';

/** What is wrong, in words: the server's own, or ours. */
export const words = (t: TFunction, problem: Problem): string =>
  problem.message ?? t(`targets.rule.${problem.rule}`, problem.values);
