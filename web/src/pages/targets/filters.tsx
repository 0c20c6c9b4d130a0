import { Checkbox, CloseButton, TagsInput, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
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
  return (
    <search className="filters">
      <Text
        type="search"
        className="search"
        label={t('targets.searchLabel')}
        placeholder={`${t('targets.search')}  /`}
        value={search.q}
        onChange={(q) => set({ q }, true)}
      />
      <Text
        className="mono addrfilter"
        label={t('targets.exactAddr')}
        placeholder={t('targets.exactAddr')}
        value={search.addr}
        onChange={(addr) => set({ addr }, true)}
      />
      {!ofJob && <NodePicker value={search.node} onChange={(node) => set({ node })} />}
      <TagsInput
        className="tags"
        size="xs"
        aria-label={t('fleet.tags')}
        placeholder={search.tag ? undefined : t('fleet.tags')}
        value={search.tag ?? []}
        onChange={(tag) => set({ tag: tag.length > 0 ? tag : undefined })}
        maxTags={20}
      />
      <Checkbox
        size="xs"
        label={t('targets.showDeleted')}
        checked={search.deleted === true}
        onChange={(e) => set({ deleted: e.currentTarget.checked ? true : undefined })}
      />
      {filtered(search) && (
        <button
          type="button"
          className="link"
          onClick={() => set({ q: undefined, addr: undefined, tag: undefined, node: undefined })}
        >
          {t('fleet.clear')}
        </button>
      )}
    </search>
  );
}

interface TextProps {
  type?: 'search';
  className: string;
  label: string;
  placeholder: string;
  value?: string;
  onChange: (text?: string) => void;
}

function Text({ type, className, label, placeholder, value, onChange }: TextProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value ?? '');
  const settle = useDebouncedCallback((now: string) => onChange(now || undefined), 200);
  useEffect(() => setText(value ?? ''), [value]); // another address, as by Back
  return (
    <TextInput
      type={type}
      className={className}
      size="xs"
      aria-label={label}
      placeholder={placeholder}
      value={text}
      onChange={(e) => {
        setText(e.currentTarget.value);
        settle(e.currentTarget.value.trim());
      }}
      onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()}
      rightSection={
        text && (
          <CloseButton
            size="xs"
            aria-label={t('fleet.clear')}
            onClick={() => {
              setText('');
              onChange(undefined);
            }}
          />
        )
      }
    />
  );
}
