/** How long the second key of two is waited for. */
const patience = 1200;

let began = 0;

/** Notes that g was pressed: the key that follows says where to go. */
export function beginSequence(): void {
  began = Date.now();
}

/** Ends the sequence and tells whether there was one. */
export function endSequence(): boolean {
  const second = inSequence();
  began = 0;
  return second;
}

/** Whether the next key is the second of two, and nothing else's. */
export const inSequence = () => Date.now() - began < patience;

/** Whether keys go into a field. */
export const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
