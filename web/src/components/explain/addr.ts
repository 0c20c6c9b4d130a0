/** Whether a text may be the address of a target: host:port, an IP address, or a URL. */
export const looksLikeAddr = (text: string): boolean =>
  /^(\S+:\d{1,5}|\d{1,3}(\.\d{1,3}){3}|\[?[\da-f]*:[\da-f:]+\]?|https?:\/\/\S+)$/i.test(text);
