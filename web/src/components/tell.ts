import { notifications } from '@mantine/notifications';
import i18next from '../i18n';
import { plain } from './name';

/** Says in a corner that something is done. */
export function tell(message: string): void {
  notifications.show({ message: plain(message), closeButtonProps: { 'aria-label': i18next.t('app.close') } });
}
