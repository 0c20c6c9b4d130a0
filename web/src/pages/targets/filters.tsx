import { useTranslation } from 'react-i18next';
import { FilterBar, FilterGone, FilterTags, FilterText } from '../../components/filterbar';
import type { TargetSearch } from '../../router';
import { NodePicker } from './pickers';

interface Props {
  search: TargetSearch;
  set: (change: Partial<TargetSearch>, replace?: boolean) => void;
  /** On the page of one job, its node is no question. */
  ofJob: boolean;
}

export const filtered = (s: TargetSearch) => Boolean(s.q || s.addr || s.tag || s.node);

/** What selects the rows; all of it is in the address. */
export function Filters({ search, set, ofJob }: Props) {
  const { t } = useTranslation();
  const clear = () => set({ q: undefined, addr: undefined, tag: undefined, node: undefined });
  return (
    <FilterBar
      label={t('targets.searchLabel')}
      hint={t('targets.search')}
      q={search.q}
      search={(q) => set({ q }, true)}
      clear={filtered(search) ? clear : undefined}
    >
      <FilterText
        className="mono addrfilter"
        label={t('targets.exactAddr')}
        hint={t('targets.exactAddr')}
        value={search.addr}
        onChange={(addr) => set({ addr }, true)}
      />
      {!ofJob && <NodePicker value={search.node} onChange={(node) => set({ node })} />}
      <FilterTags value={search.tag} onChange={(tag) => set({ tag })} />
      <FilterGone value={search.deleted} onChange={(deleted) => set({ deleted })} />
    </FilterBar>
  );
}
