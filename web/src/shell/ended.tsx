import { Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useEnded } from '../data/ended';
import { loginAgain, useSession } from '../data/session';
import { LoginForm } from './login-form';

/** Over a page with edits that are not saved, whose session has ended: the way back to them. */
export function Ended() {
  const { t } = useTranslation();
  const ended = useEnded();
  const session = useSession().data;
  if (!ended || !session) return null;
  return (
    <Modal
      opened
      onClose={() => undefined} // only a login leads back
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t('login.ended')}
    >
      <LoginForm known={session.name} enter={loginAgain}>
        <p>{t('login.kept')}</p>
      </LoginForm>
    </Modal>
  );
}
