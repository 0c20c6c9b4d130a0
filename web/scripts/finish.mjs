// Compresses what Vite has built, says how large the first load is, and fails if it
// is larger than it may be.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const limit = 400 * 1024; // bytes of the first load, gzip
const dist = new URL('../../internal/ui/dist/', import.meta.url);
const assets = new URL('assets/', dist);
const gzipped = new Map();

for (const name of readdirSync(assets)) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const file = new URL(name, assets);
  const body = readFileSync(file);
  const gz = gzipSync(body, { level: 9 });
  gzipped.set(`assets/${name}`, gz.length);
  if (body.length < 1024) continue;
  writeFileSync(`${file.pathname}.gz`, gz);
  writeFileSync(
    `${file.pathname}.br`,
    brotliCompressSync(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    }),
  );
  rmSync(file); // the server unpacks it for the few who take neither
}

// The first load: the entry, what it imports at once, and their styles.
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
rmSync(new URL('.vite', dist), { recursive: true });
const first = new Set();
const visit = (key) => {
  const chunk = manifest[key];
  if (first.has(chunk.file)) return;
  first.add(chunk.file);
  for (const css of chunk.css ?? []) first.add(css);
  for (const imported of chunk.imports ?? []) visit(imported);
};
visit('index.html');
let size = gzipSync(readFileSync(new URL('index.html', dist))).length;
for (const file of first) size += gzipped.get(file) ?? 0;
let all = 0;
for (const bytes of gzipped.values()) all += bytes;
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
process.stdout.write(`web UI: first load ${kib(size)} gzip of at most ${kib(limit)}; all ${kib(all)}\n`);
if (size > limit) {
  process.stderr.write('the first load is too large: load what is not of the shell lazily\n');
  process.exit(1);
}
