/**
 * A spreadsheet takes a cell that begins like a formula for one, and executes it. A '
 * in front makes it text. Some take a semicolon, a tab or a line break for the end of
 * a cell whatever the quotes say, so that what follows one is guarded too.
 */
const begins = "[\\s']*[=+\\-@＝＋－＠\\t\\r\\n]";
const after = '(?<=^|[;|\\t\\r\\n])';
const toGuard = new RegExp(`${after}(?=${begins})`, 'g');
const guarded = new RegExp(`${after}'(?=${begins})`, 'g');
const may = /[=+\-@＝＋－＠\t\r\n]/;

export const guard = (cell: string) => (may.test(cell) ? cell.replace(toGuard, "'") : cell);

/** What was before it was guarded. */
export const unguard = (cell: string) => (cell.includes("'") ? cell.replace(guarded, '') : cell);
