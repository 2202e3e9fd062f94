import type { StorageRange, StorageWrite } from "@syncline/engine";
import { OrderedMap } from "./ordered.js";

/**
 * An ordered map in memory on which writes take effect at once: the part of a store that has nothing to do with time.
 * Simulated disks are built over it. What goes in and what comes out are copies.
 */
export function plainMemory() {
  const map = new OrderedMap();
  return {
    get: (key: Uint8Array): Uint8Array | undefined => map.get(key),
    scan: ({ from, to, limit = Number.POSITIVE_INFINITY, reverse = false }: StorageRange) =>
      map.range(from, to, limit, reverse),
    apply(writes: readonly StorageWrite[]): void {
      for (const { key, value } of writes) {
        if (value === undefined) map.delete(key);
        else map.set(key, value);
      }
    },
  };
}
