import type { Node } from '../../api/client';
import { Same } from '../../components/same';
import { curl, promfleet } from '../../components/shell-words';

/** What the settings show, and how they are set, by the command line and by the API. */
export function SettingsSame({ node, etag, editable }: { node: Node; etag: string; editable: boolean }) {
  const { uuid, base_config } = node;
  if (!editable) return <Same cli={promfleet('node', 'get', uuid, '-o', 'yaml')} api={curl('GET', `/nodes/${uuid}`)} />;
  const tags = node.tags ?? [];
  const tagged = tags.length > 0 ? tags.map((tag) => `--tag=${tag}`) : ['--no-tags'];
  return (
    <Same
      cli={promfleet('node', 'update', uuid, ...tagged, '--base-config=base.yml')}
      api={curl('PATCH', `/nodes/${uuid}`, { body: { tags, base_config }, etag })}
    />
  );
}
