import { notifications } from '@mantine/notifications';
import { sentence } from '../api/problem';
import i18next from '../i18n';
import { plain } from './name';

/** Says in a corner that something is done. */
export function tell(message: string): void {
  notifications.show({ message: plain(message), closeButtonProps: { 'aria-label': i18next.t('app.close') } });
}

/** Says in a corner that something failed, until somebody has seen it. */
export function tellFailure(error: unknown): void {
  notifications.show({
    color: 'red',
    title: i18next.t('error.failed'),
    message: plain(sentence(error)),
    autoClose: false,
    closeButtonProps: { 'aria-label': i18next.t('app.close') },
  });
}
