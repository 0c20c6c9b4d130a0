import { useEffect, useRef } from 'react';
import { inSequence, typing } from '../shell/sequence';

/** A key that does something on this page, while nothing is typed and no dialog is open. */
export function useKey(key: string, run: () => void, enabled = true): void {
  const action = useRef(run);
  action.current = run;
  useEffect(() => {
    if (!enabled) return;
    const down = (event: KeyboardEvent) => {
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (inSequence() || typing(event.target) || document.querySelector('[role="dialog"]')) return;
      event.preventDefault();
      action.current();
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, [key, enabled]);
}
