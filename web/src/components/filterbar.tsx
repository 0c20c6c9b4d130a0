import { CloseButton, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { TagsInput } from './tagsinput';

interface Props {
  /** What the search is called, and what it says while it is empty; the same, if there is no other. */
  label: string;
  hint?: string;
  q?: string;
  search: (q?: string) => void;
  /** Takes all filters away, if there are any. */
  clear?: () => void;
  children?: ReactNode;
}

/** What selects the rows of a list: a search, which / goes to, and what else the list has. */
export function FilterBar({ label, hint = label, q, search, clear, children }: Props) {
  const { t } = useTranslation();
  return (
    <search className="filters">
      <FilterText type="search" className="search" label={label} hint={`${hint}  /`} value={q} onChange={search} />
      {children}
      {clear && (
        <button type="button" className="link noprint" onClick={clear}>
          {t('filter.clear')}
        </button>
      )}
    </search>
  );
}

interface TextProps {
  type?: 'search';
  className: string;
  label: string;
  hint: string;
  value?: string;
  onChange: (text?: string) => void;
}

/** A text that selects rows. It counts once nobody types any more; another address, as by Back, has another. */
export function FilterText({ type, className, label, hint, value = '', onChange }: TextProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  // What is typed is not overwritten by what the address has learnt of it: that is older, and has no spaces around.
  const told = useRef(value);
  const tell = (typed: string) => {
    if (typed === told.current) return;
    told.current = typed;
    onChange(typed || undefined);
  };
  const settle = useDebouncedCallback((typed: string, path: string) => {
    if (path === window.location.pathname) tell(typed); // else one is on the way to another page already
  }, 200);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    settle.cancel();
    setText(value);
  }, [value, settle]);
  return (
    <TextInput
      type={type}
      className={className}
      size="xs"
      aria-label={label}
      placeholder={hint}
      value={text}
      onChange={(e) => {
        setText(e.currentTarget.value);
        settle(e.currentTarget.value.trim(), window.location.pathname);
      }}
      onKeyDown={(e) => {
        if (e.key !== 'Escape') return;
        e.preventDefault(); // the browser would empty it
        e.currentTarget.blur();
      }}
      rightSection={
        text && (
          <CloseButton
            size="xs"
            aria-label={t('filter.clearText')}
            onClick={() => {
              settle.cancel();
              setText('');
              tell('');
            }}
          />
        )
      }
    />
  );
}

/** The tags that rows must have, all of them. */
export function FilterTags({ value, onChange }: { value?: string[]; onChange: (tags?: string[]) => void }) {
  const { t } = useTranslation();
  return (
    <TagsInput
      className="tags"
      size="xs"
      aria-label={t('filter.tags')}
      placeholder={value ? undefined : t('filter.tags')}
      value={value ?? []}
      onChange={(tags) => onChange(tags.length > 0 ? tags : undefined)}
      maxTags={20}
    />
  );
}

interface GoneProps {
  value?: true;
  /** What is gone was revoked, and does not come back. */
  revoked?: boolean;
  /** Those between the two, that serve no more: what they and the others are called, and whether they are chosen. */
  over?: { live: string; label: string; value?: true };
  onChange: (gone?: true, over?: true) => void;
}

/** Whether the rows are those that are there, or those that are gone. */
export function FilterGone({ value, revoked, over, onChange }: GoneProps) {
  const { t } = useTranslation();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('filter.which')}
      value={value ? 'gone' : over?.value ? 'over' : 'live'}
      onChange={(which) => onChange(which === 'gone' || undefined, which === 'over' || undefined)}
      data={[
        { value: 'live', label: over?.live ?? t('filter.live') },
        ...(over ? [{ value: 'over', label: over.label }] : []),
        { value: 'gone', label: t(revoked ? 'record.revoked' : 'filter.deleted') },
      ]}
    />
  );
}
