import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Danger } from '../../components/danger';
import type { Column } from '../../components/grid';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { Ago } from '../../components/time';
import type { Page } from '../../data/pages';
import { AdminOnly } from './admin-only';
import { changed } from './data';
import type { Field, Values } from './fields';
import { NewForm } from './form';
import { RecordList, type RecordQuery } from './list';
import { Past } from './past';
import { useRecordSearch } from './search';
import { Secret } from './secret';
import '../../styles/records.css';

interface AnyToken {
  id: number;
  name: string;
  created_at: string;
  last_used_at?: string | null;
  expires_at?: string | null;
  deleted_at?: string | null;
}

/** What tokens of one kind have besides: a column of the list, and a line of the one that is open. */
interface Fact<T> extends Omit<Column<T>, 'cell'> {
  value: (token: T, listed: boolean) => ReactNode;
}

interface Props<T> {
  kind: 'tokens' | 'joinTokens';
  noun: 'token' | 'join-token'; // of the command line, the API and the events
  /** What people call it, if it has a name or not. */
  called: (token: T) => string;
  facts: Fact<T>[];
  read: (query: RecordQuery, signal?: AbortSignal) => Promise<Page<T>>;
  revoke: (id: number) => Promise<unknown>;
  wears?: boolean;
  fields: Field[];
  initial: Values;
  create: (values: Values) => Promise<{ id: number; secret: string }>;
  /** What to do with a new one. */
  how?: (secret: string) => ReactNode;
  /** What revoking this one does besides. */
  warning?: (token: T) => ReactNode;
}

/** Tokens of one kind, for admins: shown once when they are made, and revoked for good. */
export function TokenList<T extends AnyToken>(props: Props<T>) {
  return (
    <AdminOnly kind={props.kind}>
      <All {...props} />
    </AdminOnly>
  );
}

function All<T extends AnyToken>(props: Props<T>) {
  const { kind, noun, called, facts, revoke } = props;
  const { t } = useTranslation();
  const { set } = useRecordSearch();
  const [secret, setSecret] = useState<string>();
  const time = (key: string, title: string, at: 'created_at' | 'last_used_at'): Column<T> => ({
    key,
    title,
    width: '110px',
    sort: at,
    cell: (token) => <Ago at={token[at]} />,
  });
  const columns: Column<T>[] = [
    {
      key: 'name',
      title: t(`${kind}.name`),
      width: 'minmax(150px, 2fr)',
      sort: 'name',
      cell: (token) => <Name of={called(token)} title={token.name} className={token.name ? undefined : 'dim'} />,
    },
    ...facts.map(({ value, ...fact }) => ({ ...fact, cell: (token: T) => value(token, true) })),
    time('created', t('record.created_at'), 'created_at'),
    time('used', t('tokens.used'), 'last_used_at'),
    {
      key: 'ends',
      title: t('tokens.ends'),
      width: '110px',
      sort: 'expires_at',
      cell: (token) =>
        token.expires_at ? <Ago at={token.expires_at} /> : <span className="dim">{t('tokens.never')}</span>,
    },
  ];
  return (
    <>
      <RecordList
        kind={kind}
        noun={noun}
        path={`/${noun}s`}
        sort="id"
        revoked
        wears={props.wears}
        columns={columns}
        read={props.read}
        mayCreate
        name={(token) => <Name of={called(token)} />}
        open={(_, token, close) =>
          token ? <Open {...props} token={token} close={close} /> : <p className="dim">{t('record.notRead')}</p>
        }
        many={{ remove: revoke, done: () => changed(kind) }}
        create={(close) => (
          <NewForm
            fields={props.fields}
            initial={props.initial}
            action={t('record.create')}
            cancel={close}
            create={props.create}
            created={(token) => {
              setSecret(token.secret);
              changed(kind);
              set({ new: undefined, id: token.id });
            }}
          />
        )}
      >
        <p className="dim lead">{t(`${kind}.lead`)}</p>
      </RecordList>
      {secret && (
        <Secret title={t(`${kind}.secret`)} secret={secret} close={() => setSecret(undefined)}>
          {props.how?.(secret)}
        </Secret>
      )}
    </>
  );
}

interface OpenProps<T> extends Props<T> {
  token: T;
  close: () => void;
}

function Open<T extends AnyToken>({ kind, noun, called, facts, revoke, warning, token, close }: OpenProps<T>) {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useState(false);
  return (
    <>
      <dl className="facts">
        {facts.map(({ key, title, value }) => (
          <Line key={key} title={title}>
            {value(token, false)}
          </Line>
        ))}
        <Line title={t('record.created_at')}>
          <Ago at={token.created_at} />
        </Line>
        <Line title={t('tokens.used')}>
          <Ago at={token.last_used_at} />
        </Line>
        <Line title={t('tokens.ends')}>{token.expires_at ? <Ago at={token.expires_at} /> : t('life.never')}</Line>
        {token.deleted_at && (
          <Line title={t('record.revoked')}>
            <Ago at={token.deleted_at} />
          </Line>
        )}
      </dl>
      <Past object={`${noun}/${token.id}`} />
      {token.deleted_at ? (
        <p className="dim">{t('record.stays')}</p>
      ) : (
        <Button className="start" variant="default" color="red" onClick={() => setRevoking(true)}>
          {t('record.revoke')}
        </Button>
      )}
      <Same cli={promfleet(noun, 'delete', token.id)} api={curl('DELETE', `/${noun}s/${token.id}`)} />
      {revoking && (
        <Danger
          close={() => setRevoking(false)}
          title={t(`${kind}.revokeTitle`, { name: called(token) })}
          name={token.name || undefined}
          action={t('record.revokeNow')}
          run={() => revoke(token.id)}
          done={() => {
            tell(t('tokens.revoked'));
            close();
            changed(kind);
          }}
        >
          <p>{t(`${kind}.revokeHelp`)}</p>
          {warning?.(token)}
        </Danger>
      )}
    </>
  );
}

function Line({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  );
}
