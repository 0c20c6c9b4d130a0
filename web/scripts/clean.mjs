// Takes away what an earlier build has left, but for the repository's own file.
import { readdirSync, rmSync } from 'node:fs';

const dist = new URL('../../internal/ui/dist/', import.meta.url);
for (const name of readdirSync(dist)) {
  if (name !== '.gitignore') rmSync(new URL(name, dist), { recursive: true });
}
