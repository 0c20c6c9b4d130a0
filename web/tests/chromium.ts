import { type Browser, chromium } from 'playwright-core';

/** Debian's Chromium, without a window. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.PROMFLEET_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
