import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Node, tagged } from '../../api/client';
import { Copy } from '../../components/copy';
import { Danger } from '../../components/danger';
import { plain } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { Ago } from '../../components/time';
import { eventsQuery } from '../../data/events';
import { putNode } from '../../data/nodes';
import { mayEdit, useSession } from '../../data/session';
import { stateIcons } from '../../state/states';
import { EventLine } from '../events/line';
import { ChangeStrip } from './changestrip';
import { HealthGlance } from './health/glance';
import { useNode } from './use-node';

/** Whether the node scrapes what it should, and if not, why. */
export function Overview() {
  const { t } = useTranslation();
  const { node } = useNode();
  const { status } = node;
  const Icon = stateIcons[status.state];
  const events = useQuery(eventsQuery({ node: node.uuid, limit: 8 }));
  return (
    <div className="overview">
      <ChangeStrip node={node} />
      <section className="truth" data-state={status.state}>
        <Icon size={20} aria-hidden />
        <div>
          <p>
            <b>{t(`stateHelp.${status.state}`)}</b>
          </p>
          {status.last_error && <p className="mono pre">{plain(status.last_error)}</p>}
        </div>
        {status.state === 'held' && <Confirm node={node} />}
      </section>
      {status.notices && status.notices.length > 0 && (
        <section>
          <h2>{t('node.notices')}</h2>
          <ul className="notices">
            {status.notices.map((notice) => (
              <li key={notice} className="mono pre">
                {plain(notice)}
              </li>
            ))}
          </ul>
        </section>
      )}
      <HealthGlance uuid={node.uuid} />
      <div className="two">
        <section>
          <h2>{t('node.facts')}</h2>
          <dl className="facts">
            <dt>{t('node.targets')}</dt>
            <dd>
              <Link to="/targets" search={{ node: node.uuid }}>
                {t('fleet.upCount', { count: status.targets_up })}
                {' · '}
                <span className={status.targets_down > 0 ? 'downs' : undefined}>
                  {t('fleet.downCount', { count: status.targets_down })}
                </span>
              </Link>
            </dd>
            <dt>{t('node.prometheus')}</dt>
            <dd className="mono">{status.prometheus_version || t('app.unknown')}</dd>
            <dt>{t('node.agent')}</dt>
            <dd className="mono">{status.agent_version || t('app.unknown')}</dd>
            <dt>{t('node.seen')}</dt>
            <dd>
              <Ago at={status.last_seen_at} />
            </dd>
            <dt>{t('node.joined')}</dt>
            <dd>
              <Ago at={node.created_at} />
            </dd>
            <dt>{t('node.uuid')}</dt>
            <dd className="mono spread tight">
              {node.uuid} <Copy text={node.uuid} label={t('node.uuid')} />
            </dd>
          </dl>
        </section>
        <section>
          <h2>
            <Link to="/events" search={{ node: node.uuid }}>
              {t('node.recent')}
            </Link>
          </h2>
          <ul className="recent">
            {events.data?.items?.map((event) => (
              <EventLine key={event.id} event={event} />
            ))}
          </ul>
        </section>
      </div>
      <Same cli={promfleet('node', 'get', node.uuid)} api={curl('GET', `/nodes/${node.uuid}`)} />
    </div>
  );
}

/** Lets the agent go on with a large removal, once somebody has read what goes. */
function Confirm({ node }: { node: Node }) {
  const { t } = useTranslation();
  const session = useSession().data;
  // What is confirmed is what was read, whatever the node says meanwhile.
  const [read, setRead] = useState<{ revision: number; error: string }>();
  if (!mayEdit(session)) return null;
  const { uuid, hostname, status } = node;
  const confirm = async (revision: number) => {
    const query = { revision };
    const { value, etag } = await tagged(
      api.POST('/api/v1/nodes/{uuid}/confirm', { params: { path: { uuid }, query } }),
    );
    putNode(value, etag);
  };
  return (
    <>
      <Button
        color="red"
        className="push"
        onClick={() => setRead({ revision: status.revision_received, error: status.last_error })}
      >
        {t('node.confirm')}
      </Button>
      {read && (
        <Danger
          close={() => setRead(undefined)}
          title={t('node.confirmTitle', { host: hostname })}
          name={hostname}
          action={t('node.confirm')}
          run={() => confirm(read.revision)}
          done={() => tell(t('node.confirmed'))}
        >
          <p>{t('node.confirmHelp')}</p>
          <Alert color="red" variant="light">
            <p className="mono pre">{plain(read.error)}</p>
          </Alert>
          <p>
            <Link to="/events" search={{ node: uuid }} target="_blank">
              {t('node.confirmWhich')}
            </Link>
          </p>
        </Danger>
      )}
    </>
  );
}
