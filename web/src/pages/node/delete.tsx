import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Node, ok } from '../../api/client';
import { sentence } from '../../api/problem';
import { Danger } from '../../components/danger';
import { plain } from '../../components/name';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';
import { tell } from '../../components/tell';
import { leaving } from '../../data/live';
import { keys, queryClient } from '../../data/queries';

/** How much a node has that would be managed no longer. */
const contentsQuery = (node: string) => ({
  queryKey: ['node', node, 'contents'],
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const query = { node, limit: 1 };
    const [jobs, targets] = await Promise.all([
      ok(api.GET('/api/v1/jobs', { params: { query }, signal })),
      ok(api.GET('/api/v1/targets', { params: { query }, signal })),
    ]);
    return { jobs: jobs.total, targets: targets.total };
  },
});

/** Takes a node out of the fleet; what it scrapes, it goes on scraping. */
export function DeleteNode({ node, etag }: { node: Node; etag: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const contents = useQuery({ ...contentsQuery(node.uuid), enabled: asked }).data;
  const path = { uuid: node.uuid };
  const host = plain(node.hostname);

  const refresh = () => queryClient.invalidateQueries({ queryKey: ['nodes'] });
  const remove = async () => {
    leaving.add(node.uuid);
    try {
      await ok(api.DELETE('/api/v1/nodes/{uuid}', { params: { path, header: { 'If-Match': etag } } }));
    } catch (error) {
      leaving.delete(node.uuid);
      throw error;
    }
  };
  const restore = async (toast: string) => {
    notifications.hide(toast);
    try {
      await ok(api.POST('/api/v1/nodes/{uuid}/restore', { params: { path } }));
      leaving.delete(node.uuid);
      tell(t('nodeDelete.restored', { host }));
      await navigate({ to: '/nodes/$uuid', params: path });
    } catch (error) {
      tell(sentence(error));
    }
    await refresh();
  };
  const done = async () => {
    await navigate({ to: '/' }); // while its page is there, it would be asked for again
    queryClient.removeQueries({ queryKey: keys.nodeAll(node.uuid) });
    void refresh();
    const toast = `deleted-${node.uuid}`;
    notifications.show({
      id: toast,
      autoClose: 20_000,
      closeButtonProps: { 'aria-label': t('app.close') },
      message: (
        <span className="spread">
          {t('nodeDelete.done', { host })}
          <Button size="compact-sm" variant="default" onClick={() => void restore(toast)}>
            {t('nodeDelete.restore')}
          </Button>
        </span>
      ),
    });
  };
  return (
    <section className="stack">
      <h2>{t('nodeDelete.title')}</h2>
      <p>{t('nodeDelete.help')}</p>
      <Button className="start" color="red" variant="outline" onClick={() => setAsked(true)}>
        {t('nodeDelete.button')}
      </Button>
      {asked && (
        <Danger
          close={() => setAsked(false)}
          title={t('nodeDelete.ask', { host })}
          name={node.hostname}
          action={t('nodeDelete.button')}
          run={remove}
          done={() => void done()}
        >
          <ul className="notices">
            {contents && (
              <li>
                {t('nodeDelete.jobs', { count: contents.jobs })}
                {t('nodeDelete.and')}
                {t('nodeDelete.targets', { count: contents.targets })}
                {t('nodeDelete.unmanaged')}
              </li>
            )}
            <li>{t('nodeDelete.goesOn')}</li>
            <li>{t('nodeDelete.credential')}</li>
          </ul>
        </Danger>
      )}
      <Same cli={promfleet('node', 'delete', node.uuid)} api={curl('DELETE', `/nodes/${node.uuid}`)} />
    </section>
  );
}
