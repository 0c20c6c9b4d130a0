import '../styles/follow.css';
import { CloseButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { Node } from '../api/client';
import { forgetWrite, unfollow, useFollowing, useLastWrite } from '../data/following';
import { nodeQuery } from '../data/nodes';
import { ChangeStrip } from '../pages/node/changestrip';
import { Follow } from './follow';

/** The strip of a node, after a write, until it is closed. */
export function Followed({ node }: { node: Node }) {
  return useFollowing(node.uuid) && <Strip node={node} close={() => unfollow(node.uuid)} />;
}

function Strip({ node, named, close }: { node: Node; named?: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="followed noprint">
      <ChangeStrip node={node} named={named} />
      <CloseButton size="sm" aria-label={t('follow.close')} onClick={close} />
    </div>
  );
}

/** How far the last write of this page is that is not a node's own: one node's strip, or a line for each. */
export function LastWrite() {
  const write = useLastWrite();
  useEffect(() => forgetWrite, []); // it was of the page before
  if (!write) return null;
  const [only] = write.nodes;
  if (only !== undefined && write.nodes.length + write.more === 1) return <OfOne uuid={only} />;
  const nodes = write.nodes.map((uuid) => ({ uuid, before: 0 }));
  return <Follow nodes={nodes} more={write.more} close={forgetWrite} />;
}

function OfOne({ uuid }: { uuid: string }) {
  const { data } = useQuery(nodeQuery(uuid));
  return data && <Strip node={data.value} named close={forgetWrite} />;
}
