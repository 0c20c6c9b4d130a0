import { Alert, Button, Modal, Radio } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Target } from '../../api/client';
import { Name } from '../../components/name';
import { draftOf, fields } from './draft';
import type { Field, TargetValues } from './rules';

interface Props {
  /** As it was when the edit began, as it is saved now, and as it was typed. */
  began: Target;
  now: Target;
  mine: TargetValues;
  close: () => void;
  take: (target: TargetValues) => void;
}

type Side = 'now' | 'mine';

/** Somebody else has changed the target meanwhile: both versions, field by field. */
export function Conflict({ began, now, mine, close, take }: Props) {
  const { t } = useTranslation();
  const texts = { began: draftOf(began), now: draftOf(now), mine: draftOf(mine) };
  const differ = fields.filter((f) => texts.now[f] !== texts.mine[f]);
  // What only one of the two has changed is clear.
  const [sides, setSides] = useState<Record<Field, Side>>(
    () =>
      Object.fromEntries(fields.map((f) => [f, texts.mine[f] === texts.began[f] ? 'now' : 'mine'])) as Record<
        Field,
        Side
      >,
  );
  const merged = (): TargetValues => {
    const of = <F extends Field>(f: F): TargetValues[F] =>
      (sides[f] === 'now' ? (now[f] ?? []) : mine[f]) as TargetValues[F];
    return { addr: of('addr'), name: of('name'), remark: of('remark'), labels: of('labels'), tags: of('tags') };
  };
  return (
    <Modal
      opened
      onClose={close}
      title={t('targets.stale')}
      size="xl"
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <div className="stack">
        <Alert color="yellow" variant="light">
          {t('targets.staleHelp')}
        </Alert>
        {differ.length === 0 && <p>{t('targets.staleSame')}</p>}
        {differ.map((f) => (
          <Radio.Group
            key={f}
            label={t(`targets.${f}`)}
            value={sides[f]}
            onChange={(side) => setSides((old) => ({ ...old, [f]: side as Side }))}
          >
            <div className="versions">
              {(['now', 'mine'] as const).map((side) => (
                <Radio
                  key={side}
                  value={side}
                  label={
                    <>
                      <span className="dim">{t(side === 'now' ? 'targets.savedNow' : 'targets.mine')}</span>
                      <span className="mono pre">{texts[side][f] === '' ? '–' : <Name of={texts[side][f]} />}</span>
                    </>
                  }
                />
              ))}
            </div>
          </Radio.Group>
        ))}
        <div className="spread">
          <Button data-autofocus onClick={() => take(merged())}>
            {t('targets.saveMerged')}
          </Button>
          <Button variant="default" onClick={close}>
            {t('targets.goOn')}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
