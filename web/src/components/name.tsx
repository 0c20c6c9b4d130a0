/** Characters that turn the direction of what follows: with them, "exe.png" may be what reads "gnp.exe". */
const turning = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** A text of somebody else's as it can be shown: what would turn it is named instead. */
export function plain(text: string): string {
  return text.replace(turning, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** A name that somebody else has given, kept apart from the text around it. */
export function Name({ of, title, className }: { of: string; title?: string; className?: string }) {
  return (
    <bdi title={title} className={className}>
      {plain(of)}
    </bdi>
  );
}
