import { Modal } from '@mantine/core';
import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Name, plain } from '../components/name';
import { State } from '../components/state';
import { type Item, useItems } from './palette-items';

interface Props {
  opened: boolean;
  close: () => void;
  openHelp: () => void;
}

/** Goes to nodes, jobs, targets, tags and pages, and does what has no page of its own, by the keyboard. */
export function Palette({ opened, close, openHelp }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={close}
      withCloseButton={false}
      transitionProps={{ duration: 0 }}
      padding={0}
      size={560}
      yOffset="12vh"
      attributes={{ content: { 'aria-label': t('palette.title') } }}
    >
      <Search close={close} openHelp={openHelp} />
    </Modal>
  );
}

function Search({ close, openHelp }: { close: () => void; openHelp: () => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []); // before the dialog does: what is typed at once is not lost
  const [asking, setAsking] = useState<'job'>();
  const { items, waiting } = useItems(text, asking, openHelp);
  const chosen = Math.min(at, items.length - 1);
  const run = (item?: Item) => {
    if (!item) return;
    if (item.asks) {
      setAsking(item.asks);
      setText('');
      setAt(0);
      return;
    }
    close();
    item.run();
  };
  const key = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && items.length > 0) {
      event.preventDefault();
      const next = (chosen + step + items.length) % items.length;
      setAt(next);
      document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(items[chosen]);
    } else if (event.key === 'Backspace' && text === '' && asking) {
      event.preventDefault();
      setAsking(undefined);
    }
  };
  return (
    <div className="palette">
      <input
        ref={input}
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={items.length > 0 ? `${list}-${chosen}` : undefined}
        aria-label={t('palette.title')}
        placeholder={t(asking ? 'palette.whichNode' : 'palette.placeholder')}
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={key}
        autoComplete="off"
        spellCheck={false}
      />
      <div id={list} role="listbox" aria-label={t('palette.title')} className="found">
        {items.map((item, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field (aria-activedescendant)
          <div
            key={item.id}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={() => run(item)}
            onMouseMove={() => setAt(i)}
          >
            <span className="group">{item.group}</span>
            <Name of={item.text} />
            {item.state && <State of={item.state} />}
            {item.detail && <span className="detail">{plain(item.detail)}</span>}
          </div>
        ))}
        {items.length === 0 && !waiting && <p className="dim">{t('palette.nothing')}</p>}
      </div>
      <p className="hint">{t(asking ? 'palette.hintBack' : 'palette.hint')}</p>
    </div>
  );
}
