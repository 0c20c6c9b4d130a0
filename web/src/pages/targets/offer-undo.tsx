import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { tell, tellFailure } from '../../components/tell';
import i18next from '../../i18n';
import { revertEvent } from './data';

/** Says that something is done, and lets it be undone for a while. */
export function offerUndo(message: string, events: number[], undone: () => void): void {
  const id = `undo-${events.join('-')}`;
  const { t } = i18next;
  const undo = async () => {
    notifications.hide(id);
    try {
      for (const event of events) await revertEvent(event);
      tell(t('undo.done'));
    } catch (error) {
      tellFailure(error);
    }
    undone(); // some of it may be
  };
  notifications.show({
    id,
    autoClose: 20_000,
    closeButtonProps: { 'aria-label': t('app.close') },
    message: (
      <span className="spread">
        {message}
        {events.length > 0 && (
          <Button size="compact-sm" variant="default" onClick={() => void undo()}>
            {t('targets.undo')}
          </Button>
        )}
      </span>
    ),
  });
}
