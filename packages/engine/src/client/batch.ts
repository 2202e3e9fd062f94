import type { SlotWrite } from "./slots.js";

/** Writes that are committed together, and what is true once they are. */
export class Batch {
  readonly writes: SlotWrite[] = [];
  private readonly consequences: (() => void)[] = [];
  private readonly remedies: (() => void)[] = [];

  constructor(private readonly slot: string) {}

  put(key: string, value: Uint8Array): void {
    this.writes.push({ slot: this.slot, key, value });
  }

  delete(key: string, slot: string = this.slot): void {
    this.writes.push({ slot, key, value: undefined });
  }

  /** Runs when the batch has been committed. */
  whenCommitted(consequence: () => void): void {
    this.consequences.push(consequence);
  }

  /** Runs when nothing of it has been written. */
  whenFailed(remedy: () => void): void {
    this.remedies.push(remedy);
  }

  failed(): void {
    for (const remedy of this.remedies) remedy();
  }

  committed(): void {
    for (const consequence of this.consequences) consequence();
  }
}
