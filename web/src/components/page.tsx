import { type ReactNode, useEffect } from 'react';

/** Names the tab of the browser. */
export function useTitle(...parts: (string | undefined)[]) {
  const title = [...parts.filter(Boolean), 'promfleet'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** What a tab of the browser shows of something, and which part of it. */
export const titled = (what: string, part?: string) => (part ? `${what}: ${part}` : what);

/** The head of a page: what it is, and what can be done. */
export function Head({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <header className="head">
      <h1>{title}</h1>
      {children}
    </header>
  );
}
