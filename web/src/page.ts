/** What the server has put into index.html. */

/** The path that all is below, without a slash at its end: "" or "/a/b". */
export const basePath = new URL(document.baseURI).pathname.replace(/\/+$/, '');

/** What allows a style element (Content-Security-Policy). */
export const styleNonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';

/** What agents and the command line reach the server by, as this browser does. */
export const serverUrl = new URL('.', document.baseURI).href.replace(/\/+$/, '');
