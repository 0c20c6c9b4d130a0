import { useEffect, useState } from 'react';

/**
 * Gives the focus back to what had it, when a dialog is closed by not being drawn any
 * more; if that is gone as well, to the table of the page.
 */
export function useGiveBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // Once the page is drawn without the dialog, and unless the focus has gone elsewhere.
      setTimeout(() => {
        if (document.activeElement !== document.body) return;
        if (before?.isConnected && before !== document.body && before instanceof HTMLElement) before.focus();
        if (document.activeElement === document.body) {
          document.querySelector<HTMLElement>('[role="grid"]')?.focus({ preventScroll: true });
        }
      });
    },
    [before],
  );
}
