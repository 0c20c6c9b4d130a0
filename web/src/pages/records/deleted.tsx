import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Preview } from '../../api/client';
import { Failure } from '../../components/failure';
import { PreviewOf } from '../../components/preview';
import { tell } from '../../components/tell';

interface Props {
  mayRestore: boolean;
  restore: () => Promise<unknown>;
  /** What restoring would do; seen first, if it is anything. */
  preview?: () => Promise<Preview>;
  /** It is back, with the effect that was seen before, if any. */
  done: (effect?: Preview) => void;
}

/** Brings back a record that was deleted. */
export function Restore({ mayRestore, restore, preview, done }: Props) {
  const { t } = useTranslation();
  const [effect, setEffect] = useState<Preview>();
  const restoring = useMutation({
    mutationFn: async () => {
      if (preview && !effect) {
        const will = await preview();
        if ((will.nodes ?? []).length > 0) return will;
      }
      await restore();
      return undefined;
    },
    onSuccess: (will) => {
      setEffect(will);
      if (will) return;
      tell(t('record.restored'));
      done(effect);
    },
  });
  return (
    <div className="stack">
      {effect && <PreviewOf preview={effect} />}
      <Failure error={restoring.error} />
      {mayRestore && (
        <Button className="start" onClick={() => restoring.mutate()} loading={restoring.isPending}>
          {t('record.restore')}
        </Button>
      )}
    </div>
  );
}
