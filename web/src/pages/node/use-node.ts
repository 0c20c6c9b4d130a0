import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { Node } from '../../api/client';
import { nodeQuery } from '../../data/nodes';

/** The node of the page, which NodePage has read already, and its ETag. */
export function useNode(): { node: Node; etag: string } {
  const { uuid } = useParams({ from: '/shell/nodes/$uuid' });
  const { data } = useSuspenseQuery(nodeQuery(uuid));
  return { node: data.value, etag: data.etag };
}
