/** Gathers ids that are asked for at about the same time into one call. */
export class Gatherer<K, V> {
  private waiting = new Map<K, { resolve: (v: V | null) => void; reject: (e: unknown) => void }[]>();

  constructor(
    private readonly read: (ids: K[]) => Promise<V[]>,
    private readonly keyOf: (v: V) => K,
    private readonly most: number,
  ) {}

  /** One of them; null: there is none. */
  load(id: K): Promise<V | null> {
    if (this.waiting.size === 0) setTimeout(() => void this.run());
    return new Promise((resolve, reject) => {
      const others = this.waiting.get(id) ?? [];
      this.waiting.set(id, [...others, { resolve, reject }]);
    });
  }

  private async run(): Promise<void> {
    const waiting = this.waiting;
    this.waiting = new Map();
    const ids = [...waiting.keys()];
    for (let i = 0; i < ids.length; i += this.most) {
      const part = ids.slice(i, i + this.most);
      try {
        const found = new Map((await this.read(part)).map((v) => [this.keyOf(v), v]));
        for (const id of part) for (const w of waiting.get(id) ?? []) w.resolve(found.get(id) ?? null);
      } catch (error) {
        for (const id of part) for (const w of waiting.get(id) ?? []) w.reject(error);
      }
    }
  }
}
