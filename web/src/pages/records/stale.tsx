import { Alert, Button, Modal, Radio } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { plain } from '../../components/name';
import type { Field, Value, Values } from './fields';
import { differing, merged, type Side } from './merge';

interface Props {
  fields: Field[];
  base: Values; // what was read before the edit
  theirs: Values; // what is saved now
  mine: Values;
  take: (values: Values) => void;
  cancel: () => void;
}

/** Somebody else has saved meanwhile: both values of each field that differs, to choose from. */
export function Stale({ fields, base, theirs, mine, take, cancel }: Props) {
  const { t } = useTranslation();
  const differ = differing(
    fields.map((f) => f.key),
    theirs,
    mine,
  );
  const [sides, setSides] = useState<Record<string, Side>>(() =>
    Object.fromEntries(differ.map((key) => [key, mine[key] !== base[key] ? 'mine' : 'theirs'])),
  );
  const said = (field: Field, value?: Value) => {
    const option = field.options?.find((o) => o.value === value);
    if (option) return option.label;
    if (typeof value === 'boolean') return t(value ? 'record.yes' : 'record.no');
    return value === undefined || value === '' ? '–' : plain(String(value));
  };
  return (
    <Modal
      opened
      onClose={cancel}
      size="lg"
      title={t('record.stale')}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <div className="stack stale">
        <Alert color="yellow" variant="light">
          {t('record.staleHelp')}
        </Alert>
        {fields
          .filter((f) => differ.includes(f.key))
          .map((field) => (
            <Radio.Group
              key={field.key}
              label={field.label}
              value={sides[field.key]}
              onChange={(side) => setSides({ ...sides, [field.key]: side as Side })}
            >
              <div className="sides">
                {(['theirs', 'mine'] as const).map((side) => (
                  <Radio
                    key={side}
                    value={side}
                    label={<span className="pre">{said(field, (side === 'mine' ? mine : theirs)[field.key])}</span>}
                    description={t(`record.${side}`)}
                  />
                ))}
              </div>
            </Radio.Group>
          ))}
        {differ.length === 0 && <p>{t('record.staleSame')}</p>}
        <div className="spread">
          <Button data-autofocus onClick={() => take(merged(theirs, mine, sides))}>
            {t('record.merge')}
          </Button>
          <Button variant="default" onClick={() => take(theirs)}>
            {t('record.takeTheirs')}
          </Button>
          <Button variant="default" onClick={cancel}>
            {t('app.cancel')}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
