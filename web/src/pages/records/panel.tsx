import { CloseButton } from '@mantine/core';
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

/** Puts the focus back where the list is. */
const toList = () => document.querySelector<HTMLElement>('main .grid')?.focus({ preventScroll: true });

interface Props {
  title: ReactNode;
  label: string;
  close: () => void;
  /** Counts up when a key asks for the first field. */
  focus: number;
  children: ReactNode;
}

/** What is beside a list: one record. Escape closes it and goes back to the list. */
export function Panel({ title, label, close, focus, children }: Props) {
  const { t } = useTranslation();
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (focus === 0) return;
    const first = () => {
      const field = box.current?.querySelector<HTMLElement>(
        'form input:not([disabled]), form textarea, form select:not([disabled])',
      );
      field?.focus();
      return field != null;
    };
    if (first()) return;
    // The record is still being read.
    const watch = new MutationObserver(() => first() && watch.disconnect());
    if (box.current) watch.observe(box.current, { childList: true, subtree: true });
    return () => watch.disconnect();
  }, [focus]);
  const leave = () => {
    close();
    toList();
  };
  const key = (event: KeyboardEvent<HTMLElement>) => {
    // A dialog over the panel is not in it, though React tells the panel of its keys.
    if (event.key !== 'Escape' || !event.currentTarget.contains(event.target as Element)) return;
    event.preventDefault();
    leave();
  };
  return (
    <section className="beside record" aria-label={label} ref={box} onKeyDown={key}>
      <header className="spread">
        <h2 className="wrap">{title}</h2>
        <CloseButton className="push" aria-label={t('app.close')} onClick={leave} />
      </header>
      {children}
    </section>
  );
}
