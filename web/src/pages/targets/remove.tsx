import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Preview, type Target } from '../../api/client';
import { Danger } from '../../components/danger';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl } from '../../components/shell-words';
import { useSession } from '../../data/session';
import { cli, queryOf } from './bulk';
import { previewBulk, type Scope, type Written, writeUndoably } from './data';
import { offerUndo } from './offer-undo';

interface Props {
  scope: Scope;
  count: number;
  /** It is this one alone. */
  only?: Target;
  close: () => void;
  /** Something of it is done, on these nodes, now or by taking it back. */
  done: (nodes: string[], written?: Written) => void;
}

/** Whether a job has no other targets than one. */
const isLast = async ({ job }: Target) =>
  (await ok(api.GET('/api/v1/targets', { params: { query: { job, limit: 1 } } }))).total <= 1;

/** Deletes targets, once one has seen what stops being scraped. */
export function Remove({ scope, count, only, close, done }: Props) {
  const { t } = useTranslation();
  const actor = useSession().data?.actor ?? '';
  const [seen, setSeen] = useState<Preview>();
  const [last, setLast] = useState(false);
  // How many they are is typed; of one alone its address, if it leaves its job with none.
  const name = only ? (last ? only.addr : undefined) : t('targets.countName', { count });
  const body = { deleted: true } as const;
  const run = async () => {
    const written = await writeUndoably(scope, body, actor);
    const nodes = (seen?.nodes ?? []).map((n) => n.node);
    done(nodes, written);
    offerUndo(t('targets.deleted', { count: written.updated }), written.events, () => done(nodes));
  };
  const gone = (seen?.nodes ?? []).flatMap((n) => n.removed ?? []);
  return (
    <Danger
      close={close}
      title={t('targets.deleteTitle', { count })}
      name={name}
      action={t('targets.deleteDo', { count })}
      preview={async () => {
        const [preview, last] = await Promise.all([previewBulk(scope, body), only ? isLast(only) : false]);
        setLast(last);
        setSeen(preview);
        return preview;
      }}
      run={run}
    >
      <p>{t('targets.deleteHelp')}</p>
      {gone.length > 0 && (
        <p className="goners mono small">
          {gone.slice(0, 12).map((addr) => (
            <span key={addr} className="label">
              <Name of={addr} />
            </span>
          ))}
          {count > 12 && (
            <span className="dim">{t('targets.andMore', { count: count - Math.min(12, gone.length) })}</span>
          )}
        </p>
      )}
      <Same cli={cli(scope, body)} api={curl('PATCH', '/targets', { query: queryOf(scope), body })} />
    </Danger>
  );
}
