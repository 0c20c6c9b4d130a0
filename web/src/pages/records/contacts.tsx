import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ok, type Tagged, tagged } from '../../api/client';
import type { components } from '../../api/schema';
import { Failure } from '../../components/failure';
import { Name } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { queryClient } from '../../data/queries';
import type { Field, Values } from './fields';
import { EditForm, NewForm } from './form';

type Contact = components['schemas']['Contact'];

const contactsOf = (user: number) => ['records', 'users', 'contacts', user];

function useFields(): Field[] {
  const { t } = useTranslation();
  return [
    { key: 'addr', label: t('contacts.addr'), help: t('contacts.addrHelp') },
    { key: 'tel', label: t('contacts.tel') },
  ];
}

const valuesOf = (c: Contact): Values => ({ addr: c.addr, tel: c.tel });
const edited = ({ value, etag }: Tagged<Contact>): Tagged<Values> => ({ value: valuesOf(value), etag });

/** How a user is reached: addresses and telephone numbers. */
export function Contacts({ user, editable }: { user: number; editable: boolean }) {
  const { t } = useTranslation();
  const fields = useFields();
  const [open, setOpen] = useState<number | 'new'>();
  const [gone, setGone] = useState<Contact>();
  const list = useQuery({
    queryKey: contactsOf(user),
    queryFn: ({ signal }) =>
      ok(
        api.GET('/api/v1/users/{id}/contacts', { params: { path: { id: user }, query: { limit: 1000 } }, signal }),
      ).then((p) => p.items ?? []),
  });
  const again = () => {
    void queryClient.invalidateQueries({ queryKey: contactsOf(user) });
    void queryClient.invalidateQueries({ queryKey: ['events'] });
  };
  const at = (id: number) => ({ params: { path: { id: user, contact: id } } });
  const removing = useMutation({
    mutationFn: (contact: Contact) => ok(api.DELETE('/api/v1/users/{id}/contacts/{contact}', at(contact.id))),
    onSuccess: (_, contact) => {
      setGone(contact);
      setOpen(undefined);
      again();
    },
  });
  const restoring = useMutation({
    mutationFn: (contact: Contact) => ok(api.POST('/api/v1/users/{id}/contacts/{contact}/restore', at(contact.id))),
    onSuccess: () => {
      setGone(undefined);
      tell(t('record.restored'));
      again();
    },
  });
  return (
    <section>
      <h3>{t('contacts.title')}</h3>
      <Failure error={list.error} />
      {list.data?.length === 0 && <p className="dim">{t('contacts.none')}</p>}
      <ul className="mini">
        {list.data?.map((contact) => (
          <li key={contact.id}>
            <span className="wrap">
              <Name of={contact.addr} />
              {contact.addr && contact.tel && ' · '}
              <Name of={contact.tel} className="mono" />
            </span>
            {editable && (
              <>
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-expanded={open === contact.id}
                  onClick={() => setOpen(open === contact.id ? undefined : contact.id)}
                >
                  {t('record.edit')}
                </Button>
                <Button
                  size="compact-xs"
                  variant="default"
                  loading={removing.isPending && removing.variables.id === contact.id}
                  onClick={() => removing.mutate(contact)}
                >
                  {t('record.deleteNow')}
                </Button>
              </>
            )}
            {open === contact.id && (
              <div className="inset">
                <Edit user={user} id={contact.id} fields={fields} done={() => setOpen(undefined)} again={again} />
              </div>
            )}
          </li>
        ))}
      </ul>
      <Failure error={removing.error ?? restoring.error} />
      {gone && (
        <p className="spread" role="status">
          {t('contacts.gone')}
          <Button
            size="compact-xs"
            variant="default"
            loading={restoring.isPending}
            onClick={() => restoring.mutate(gone)}
          >
            {t('record.restore')}
          </Button>
        </p>
      )}
      {open === 'new' ? (
        <div className="inset">
          <NewForm
            fields={fields}
            initial={{ addr: '', tel: '' }}
            action={t('contacts.add')}
            cancel={() => setOpen(undefined)}
            create={(values) =>
              ok(api.POST('/api/v1/users/{id}/contacts', { params: { path: { id: user } }, body: values }))
            }
            created={() => {
              setOpen(undefined);
              tell(t('record.created'));
              again();
            }}
          />
        </div>
      ) : (
        editable && (
          <Button size="compact-sm" variant="default" onClick={() => setOpen('new')}>
            {t('contacts.new')}
          </Button>
        )
      )}
      <Same cli={promfleet('contact', 'list', `--user=${user}`)} api={curl('GET', `/users/${user}/contacts`)} />
    </section>
  );
}

interface EditProps {
  user: number;
  id: number;
  fields: Field[];
  done: () => void;
  again: () => void;
}

function Edit({ user, id, fields, done, again }: EditProps) {
  const key = [...contactsOf(user), id];
  const path = { id: user, contact: id };
  const read = (signal?: AbortSignal) =>
    tagged(api.GET('/api/v1/users/{id}/contacts/{contact}', { params: { path }, signal }));
  const record = useQuery({ queryKey: key, queryFn: ({ signal }) => read(signal), gcTime: 0 });
  const saved = useMemo(() => record.data && edited(record.data), [record.data]);
  if (record.error) return <Failure error={record.error} />;
  if (!saved) return null;
  return (
    <EditForm
      fields={fields}
      saved={saved}
      done={() => {
        done();
        again();
      }}
      save={async (values, etag) =>
        edited(
          await tagged(
            api.PATCH('/api/v1/users/{id}/contacts/{contact}', {
              params: { path, header: { 'If-Match': etag } },
              body: values,
              headers: { 'Content-Type': 'application/merge-patch+json' },
            }),
          ),
        )
      }
      reread={async () => edited(await read())}
    />
  );
}
