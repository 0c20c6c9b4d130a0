import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { plain } from '../../components/name';
import type { AgentPart } from '../../data/host';

/** The agent is being asked: nothing at first, since it answers within a blink as a rule. */
export function Asking() {
  const { t } = useTranslation();
  return (
    <div className="asking" role="status">
      <p>{t('host.asking')}</p>
    </div>
  );
}

/** Why the agent did not answer, in words. */
export function Unanswered({ agent, says }: { agent: AgentPart; says?: string }) {
  const { t } = useTranslation();
  return (
    <section className="truth" data-state="stale" aria-live="polite">
      <IconPlugConnectedX size={20} aria-hidden />
      <div>
        <p>
          <b>{t(`host.part.${agent}`)}</b>
        </p>
        {says && <p className="pre">{plain(says)}</p>}
      </div>
    </section>
  );
}

/** True once something has gone on for a while: what lasts a blink is not worth a spinner. */
export function useLate(on: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) return;
    const timer = setTimeout(() => setLate(true), 300);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [on]);
  return late;
}
