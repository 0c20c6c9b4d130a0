import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { sentence } from '../../api/problem';
import { tell, tellFailure } from '../../components/tell';
import i18next from '../../i18n';
import { revertEvent } from './data';

let offered = 0;

/** Says that something is done, and lets it be undone for a while. */
export function offerUndo(message: string, events: number[], undone: () => void): void {
  const id = `undo-${++offered}`;
  const { t } = i18next;
  const undo = async () => {
    notifications.hide(id);
    let done = 0;
    try {
      for (const event of events) {
        await revertEvent(event);
        done++;
      }
      tell(t('undo.done'));
    } catch (error) {
      const why = sentence(error);
      tellFailure(done === 0 ? error : new Error(t('undo.partly', { done, count: events.length, why })));
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
