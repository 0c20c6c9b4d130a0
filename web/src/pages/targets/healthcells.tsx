import { createContext, type ReactNode, useContext } from 'react';
import { Health } from '../../components/health';
import { plain } from '../../components/name';
import { type HealthView, useHealth } from '../../data/health';

const Context = createContext<HealthView | null>(null);

/** Asks for the health of the rows that are seen, for the cells in it. */
export function HealthOf({ ids, children }: { ids: readonly number[]; children: ReactNode }) {
  return <Context value={useHealth(ids)}>{children}</Context>;
}

/** What has become of a target. */
export function HealthCell({ id }: { id: number }) {
  return <Health of={useContext(Context)?.of(id)} />;
}

/** What its last scrape failed by, in Prometheus's words. */
export function ErrorCell({ id }: { id: number }) {
  const error = useContext(Context)?.of(id)?.error;
  // Which URL it was, the row says already; the whole sentence is on hover.
  return error && <span title={plain(error)}>{plain(error.replace(/^Get "[^"]*": (?:dial tcp \S+: )?/, ''))}</span>;
}
