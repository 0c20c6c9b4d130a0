import { Alert, Button } from '@mantine/core';
import { IconAlertTriangle, IconPlugConnectedX } from '@tabler/icons-react';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, LoginNeeded, mayPass, type Purpose, sentence, Unreachable } from '../api/problem';

interface Props {
  error: unknown;
  retry?: () => void;
  /** Places in the body whose fields say themselves what is wrong with them. */
  told?: string[];
}

/** An error as the API says it. One that the page tells of otherwise is not said twice. */
export function Failure({ error: whole, retry, told = [] }: Props) {
  const { t } = useTranslation();
  const error = whole instanceof ApiError ? whole.beside(told) : whole;
  if (!error || error instanceof LoginNeeded) return null;
  if (error instanceof Unreachable) return <Unanswered purpose={error.purpose} />;
  return (
    <Told title={t('error.failed')}>
      <p className="pre">{sentence(error)}</p>
      {retry && mayPass(error) && (
        <Button size="compact-sm" variant="default" onClick={retry}>
          {t('app.retry')}
        </Button>
      )}
    </Told>
  );
}

/** What was asked for by hand is told beside it; of what is read, the page says once that the server is away. */
function Unanswered({ purpose }: { purpose: Purpose }) {
  const { t } = useTranslation();
  if (purpose === 'read') return null;
  return <Told Icon={IconPlugConnectedX} title={t(purpose === 'write' ? 'error.notSaved' : 'error.notTried')} />;
}

interface ToldProps {
  title: string;
  Icon?: typeof IconAlertTriangle;
  children?: ReactNode;
}

/** The box in which a failure is told, at once to a screen reader too. */
function Told({ title, Icon = IconAlertTriangle, children }: ToldProps) {
  return (
    <Alert color="red" variant="light" className="failure" role="alert" icon={<Icon aria-hidden />} title={title}>
      {children}
    </Alert>
  );
}

interface BrokenProps {
  title: string;
  help: string;
}

function Broken({ title, help }: BrokenProps) {
  const { t } = useTranslation();
  return (
    <Told title={title}>
      <p>{help}</p>
      <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
        {t('error.reload')}
      </Button>
    </Told>
  );
}

function PartBroken() {
  const { t } = useTranslation();
  return <Broken title={t('error.title')} help={t('error.help')} />;
}

/** In the place of everything, where what is around the pages fails, or the login. */
export function AllBroken() {
  const { t } = useTranslation();
  return (
    <main className="alone">
      <Broken title={t('error.allTitle')} help={t('error.allHelp')} />
    </main>
  );
}

/** Keeps the rest of the page alive when a part of it fails. */
export class Boundary extends Component<{ children: ReactNode; resetKey?: string }, { failed?: string }> {
  override state: { failed?: string } = {};

  static getDerivedStateFromError() {
    return { failed: '' };
  }

  override componentDidCatch(_error: unknown, _info: ErrorInfo) {
    this.setState({ failed: this.props.resetKey ?? '' });
  }

  override componentDidUpdate() {
    // Another page may well work.
    if (this.state.failed !== undefined && this.state.failed !== '' && this.state.failed !== this.props.resetKey) {
      this.setState({ failed: undefined });
    }
  }

  override render() {
    return this.state.failed === undefined ? this.props.children : <PartBroken />;
  }
}
