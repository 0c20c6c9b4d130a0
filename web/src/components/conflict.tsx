import { Alert, Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Merge } from './code';

interface Props {
  /** What was changed meanwhile. */
  title: string;
  theirs: string;
  mine: string;
  take: (text: string) => void;
  /** Leaves both as they are: the next save asks again. */
  close: () => void;
}

/** Somebody else has saved meanwhile: both versions, to be brought together. */
export function Conflict({ title, theirs, mine, take, close }: Props) {
  const { t } = useTranslation();
  const [merged, setMerged] = useState(mine);
  return (
    <Modal opened onClose={close} size="90%" title={title} closeButtonProps={{ 'aria-label': t('app.close') }}>
      <div className="stack">
        <Alert color="yellow" variant="light">
          {t('settings.staleHelp')}
        </Alert>
        <Merge
          left={theirs}
          right={mine}
          leftLabel={t('settings.saved_now')}
          rightLabel={t('settings.mine')}
          onChange={setMerged}
        />
        <div className="spread">
          <Button data-autofocus onClick={() => take(merged)}>
            {t('settings.merge')}
          </Button>
          <Button variant="default" onClick={() => take(theirs)}>
            {t('settings.theirs')}
          </Button>
          <Button variant="default" onClick={close}>
            {t('app.cancel')}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
