import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Where `npm run dev` finds a server. */
const server = process.env.PROMFLEET_URL ?? 'http://127.0.0.1:7090';

/** The server puts these in at a request; the development server has to do it itself. */
const places: Plugin = {
  name: 'places',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace('__PROMFLEET_BASE__', '/').replace('__PROMFLEET_NONCE__', ''),
};

export default defineConfig({
  base: './', // below whatever path: index.html says the base
  plugins: [react(), places],
  build: {
    outDir: '../internal/ui/dist',
    emptyOutDir: false, // it has a file of the repository's; scripts/clean.mjs takes the others away
    assetsInlineLimit: 0,
    target: 'es2022',
    modulePreload: { polyfill: false },
    manifest: '.vite/manifest.json',
  },
  server: { proxy: { '/api': server, '/-': server, '/docs': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
} as Parameters<typeof defineConfig>[0]);
