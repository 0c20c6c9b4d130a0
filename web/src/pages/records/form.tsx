import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Preview, Tagged } from '../../api/client';
import { StaleError } from '../../api/problem';
import { Failure } from '../../components/failure';
import { PreviewOf } from '../../components/preview';
import { tell } from '../../components/tell';
import { useUnsaved } from '../../components/unsaved';
import { type Field, Inputs, placesOf, type Values } from './fields';
import { patchOf } from './merge';
import { Stale } from './stale';

interface EditProps {
  fields: Field[];
  saved: Tagged<Values>;
  /** Sends what was changed. */
  save: (patch: Values, etag: string) => Promise<Tagged<Values>>;
  /** What sending it would do; asked first, if a field of `effects` was changed. */
  preview?: (patch: Values, etag: string) => Promise<Preview>;
  effects?: string[];
  reread: () => Promise<Tagged<Values>>;
  /** It is saved, with the effect that was seen before, if any. */
  done?: (effect?: Preview) => void;
  disabled?: boolean;
}

/** A record that is there, to be changed. */
export function EditForm({ fields, saved, save, preview, effects = [], reread, done, disabled }: EditProps) {
  const { t } = useTranslation();
  const [base, setBase] = useState(saved);
  const [values, setValues] = useState(saved.value);
  const [effect, setEffect] = useState<Preview>();
  const [theirs, setTheirs] = useState<Tagged<Values>>();
  const patch = patchOf(base.value, values);
  const dirty = Object.keys(patch).length > 0;
  useUnsaved(dirty);
  const adopt = (now: Tagged<Values>) => {
    setBase(now);
    setValues(now.value);
  };
  // Somebody else's edit is taken over while there is none here; else the server tells (412).
  const [seen, setSeen] = useState(saved.etag);
  if (seen !== saved.etag) {
    setSeen(saved.etag);
    if (!dirty) adopt(saved);
  }
  const typed = useRef(values); // what is typed meanwhile was neither tried nor saved
  typed.current = values;
  const saving = useMutation({
    mutationFn: async (sent: Values) => {
      const send = async (etag: string) => {
        if (!effect && preview && effects.some((key) => key in patch)) {
          const will = await preview(patch, etag);
          if ((will.nodes ?? []).length > 0 || sent !== typed.current) return { will }; // seen before it is made
        }
        return { now: await save(patch, etag), effect };
      };
      try {
        return await send(base.etag);
      } catch (error) {
        if (!(error instanceof StaleError)) throw error;
        const now = await reread();
        if (Object.keys(patchOf(base.value, now.value)).length > 0) {
          setTheirs(now);
          throw error;
        }
        setBase(now); // what was changed is none of these fields
        return send(now.etag);
      }
    },
    onSuccess: (got, sent) => {
      const same = sent === typed.current;
      if ('will' in got) {
        if (same) setEffect(got.will);
        return;
      }
      if (same) adopt(got.now);
      else setBase(got.now);
      setEffect(undefined);
      tell(t('record.saved'));
      done?.(got.effect);
    },
  });
  const edit = (next: Values) => {
    setValues(next);
    setEffect(undefined);
    saving.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (dirty) saving.mutate(values);
  };
  return (
    <form onSubmit={submit} className="stack">
      <Inputs fields={fields} values={values} change={edit} error={saving.error} disabled={disabled} />
      {!(saving.error instanceof StaleError) && <Failure error={saving.error} told={placesOf(fields)} />}
      {effect && <PreviewOf preview={effect} />}
      {!disabled && (
        <div className="spread">
          <Button type="submit" disabled={!dirty} loading={saving.isPending}>
            {t('record.save')}
          </Button>
          {dirty && (
            <Button
              variant="default"
              onClick={() => {
                setBase(saved);
                edit(saved.value);
              }}
            >
              {t('record.discard')}
            </Button>
          )}
        </div>
      )}
      {theirs && (
        <Stale
          fields={fields}
          base={base.value}
          theirs={theirs.value}
          mine={values}
          cancel={() => setTheirs(undefined)}
          take={(merged) => {
            setBase(theirs);
            edit(merged);
            setTheirs(undefined);
          }}
        />
      )}
    </form>
  );
}

interface NewProps<T> {
  fields: Field[];
  initial: Values;
  create: (values: Values) => Promise<T>;
  created: (record: T) => void;
  cancel?: () => void;
  action: string;
  children?: ReactNode;
}

/** A record that is to be. */
export function NewForm<T>({ fields, initial, create, created, cancel, action, children }: NewProps<T>) {
  const { t } = useTranslation();
  const [values, setValues] = useState(initial);
  const creating = useMutation({ mutationFn: () => create(values), onSuccess: created });
  const dirty = Object.keys(patchOf(initial, values)).length > 0 && !creating.isSuccess;
  useUnsaved(dirty, undefined, { saving: creating.isPending });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    creating.mutate();
  };
  return (
    <form onSubmit={submit} className="stack">
      <Inputs
        fields={fields}
        values={values}
        change={(next) => {
          setValues(next);
          creating.reset();
        }}
        error={creating.error}
      />
      {children}
      <Failure error={creating.error} told={placesOf(fields)} />
      <div className="spread">
        <Button type="submit" loading={creating.isPending}>
          {action}
        </Button>
        {cancel && (
          <Button variant="default" onClick={cancel}>
            {t('app.cancel')}
          </Button>
        )}
      </div>
    </form>
  );
}
