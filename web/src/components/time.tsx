import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';

/** One clock for all times of a page, which moves once a second while it is seen. */
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(tell: () => void) {
  listeners.add(tell);
  timer ??= setInterval(() => {
    if (document.visibilityState === 'hidden') return;
    now = Date.now();
    for (const l of listeners) l();
  }, 1000);
  return () => {
    listeners.delete(tell);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** A time as "5 minutes ago". Steps of five seconds within the last minute. */
export function relative(at: number, from: number, language: string, justNow: string): string {
  const seconds = (at - from) / 1000;
  if (Math.abs(seconds) < 5) return justNow;
  const format = new Intl.RelativeTimeFormat(language, { style: 'narrow', numeric: 'always' });
  for (const [i, [unit, length]] of units.entries()) {
    if (Math.abs(seconds) < length) continue;
    const n = unit === 'second' ? Math.trunc(seconds / 5) * 5 : Math.round(seconds / length);
    const [larger, whole] = units[i - 1] ?? [];
    // Nearly an hour is 1 hour, and not 60 minutes.
    if (larger && whole && Math.abs(n) * length >= whole) return format.format(Math.sign(n), larger);
    return format.format(n, unit);
  }
  return justNow;
}

/** How long something took: "340 ms", "2.3 s", "4 min 10 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export function absolute(at: string | number, language: string): string {
  return new Date(at).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** A time, relative to now, with the time itself on hover. */
export function Ago({ at }: { at?: string | null }) {
  const { t, i18n } = useTranslation();
  const text = useSyncExternalStore(subscribe, () => {
    if (timer === undefined) now = Date.now(); // nobody has looked for a while, so the clock stood still
    return at ? relative(Date.parse(at), now, i18n.language, t('time.justNow')) : t('time.never');
  });
  if (!at) return <span className="dim">{text}</span>;
  return (
    <time dateTime={at} title={absolute(at, i18n.language)} className="nowrap">
      {text}
    </time>
  );
}
