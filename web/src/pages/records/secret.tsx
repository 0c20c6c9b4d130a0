import { Alert, Button, CopyButton, Modal } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  title: string;
  secret: string;
  close: () => void;
  children?: ReactNode;
}

/** A secret that is shown this once: the dialog stays until somebody says that it is stored. */
export function Secret({ title, secret, close, children }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened
      onClose={() => undefined}
      closeOnEscape={false}
      closeOnClickOutside={false}
      withCloseButton={false}
      title={title}
      size="lg"
    >
      <div className="stack">
        <Alert color="yellow" variant="light">
          {t('record.once')}
        </Alert>
        <p className="secret mono">{secret}</p>
        {children}
        <div className="spread">
          <CopyButton value={secret} timeout={2000}>
            {({ copied, copy }) => (
              <Button
                variant="default"
                data-autofocus
                leftSection={copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
                onClick={copy}
              >
                {t(copied ? 'app.copied' : 'record.copySecret')}
              </Button>
            )}
          </CopyButton>
          <Button onClick={close}>{t('record.stored')}</Button>
        </div>
      </div>
    </Modal>
  );
}
