import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Question, questionQuery } from '../../data/explain';
import { Copy } from '../copy';
import { Failure } from '../failure';
import { Name } from '../name';
import { Explanation } from './explanation';

interface Props {
  /** A target of the server, or an address. */
  targetId?: number;
  addr?: string;
  /** On this node alone (uuid), in this job alone (key); of a target they are read. */
  node?: string;
  job?: string;
  close: () => void;
}

/** Why an address is, or is not, scraped, beside the page that asks. */
export function ExplainDrawer({ targetId, addr, node, job, close }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const read = useQuery({ ...questionQuery(targetId ?? 0), enabled: targetId !== undefined && addr === undefined });
  const question: Question | undefined = addr === undefined ? (read.data ?? undefined) : { addr, node, job };
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={640}
      title={
        <span className="spread tight">
          <span className="dim">{t('explain.title')}</span>
          {question && (
            <>
              <Name of={question.addr} className="mono" />
              <Copy text={question.addr} label={question.addr} />
            </>
          )}
        </span>
      }
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <Failure error={read.error} retry={() => void read.refetch()} />
      {read.data === null && <p>{t('explain.noTarget')}</p>}
      {question && (
        <Explanation
          question={question}
          target={targetId}
          ask={(other) => void navigate({ to: '/explain', search: { addr: other, node, job } })}
        />
      )}
    </Drawer>
  );
}
