/** The texts of one language; each file has those of a page or of what is around all pages. */
type Texts = Record<string, unknown>;

function gather(files: Record<string, { default: Texts }>): Texts {
  const all: Texts = {};
  for (const [file, { default: texts }] of Object.entries(files)) {
    for (const [key, tree] of Object.entries(texts)) {
      if (key in all) throw new Error(`${file}: another file has texts below "${key}"`);
      all[key] = tree;
    }
  }
  return all;
}

export const en = gather(import.meta.glob('./en/*.json', { eager: true }));
export const zh = gather(import.meta.glob('./zh/*.json', { eager: true }));
