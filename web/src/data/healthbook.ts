import type { components } from '../api/schema';

type TargetHealth = components['schemas']['TargetHealth'];
type TargetsHealth = components['schemas']['TargetsHealth'];

/** How many are asked for at once, and how long an answer holds. */
export const atOnce = 500;
export const kept = 10_000;
/** How many calls there are at the same time. */
const calls = 2;
/** What is kept at the most. */
const most = 20_000;

interface Entry {
  health?: TargetHealth; // undefined: there is no such target
  at: number;
}

/** Keeps what is known of the health of targets, and asks for what is wanted and not known. */
export class HealthBook {
  private entries = new Map<number, Entry>();
  private asked = new Set<number>();
  private queue: number[] = [];
  private running = 0;
  private listeners = new Set<() => void>();
  version = 0;
  /** How often something was forgotten: what is seen of it is asked for at once. */
  forgotten = 0;
  notes: readonly string[] = [];
  error: unknown;

  constructor(
    private readonly ask: (ids: number[]) => Promise<TargetsHealth>,
    private readonly now: () => number = Date.now,
  ) {}

  of(id: number): TargetHealth | undefined {
    return this.entries.get(id)?.health;
  }

  subscribe(tell: () => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }

  forget(ids: readonly number[]): void {
    for (const id of ids) this.entries.delete(id);
    this.forgotten++;
    this.changed();
  }

  /** Asks for those of which nothing fresh is known. What was wanted before and not asked for yet is not any more. */
  want(ids: readonly number[]): Promise<void> {
    const now = this.now();
    this.queue = ids.filter((id) => {
      const entry = this.entries.get(id);
      return !this.asked.has(id) && (!entry || now - entry.at >= kept);
    });
    return this.run();
  }

  private async run(): Promise<void> {
    if (this.running >= calls || this.queue.length === 0) return;
    this.running++;
    const ids = this.queue.splice(0, atOnce).sort((a, b) => a - b);
    for (const id of ids) this.asked.add(id);
    const beside = this.run(); // the rest, if there is a call to spare
    try {
      this.take(ids, await this.ask(ids));
    } catch (error) {
      this.error = error;
    } finally {
      for (const id of ids) this.asked.delete(id);
      this.running--;
      this.changed();
    }
    await beside;
    await this.run();
  }

  private take(ids: number[], { items, notes }: TargetsHealth): void {
    const at = this.now();
    const told = new Map(items?.map((item) => [item.id, item]));
    if (this.entries.size > most) this.entries.clear();
    for (const id of ids) this.entries.set(id, { health: told.get(id), at });
    this.notes = notes ?? [];
    this.error = undefined;
  }

  private changed(): void {
    this.version++;
    for (const tell of this.listeners) tell();
  }
}
