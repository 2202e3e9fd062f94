/** Short words for what every test of a store does. */
import type { Storage, StorageRange, StorageWrite } from "@syncline/engine";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

export const put = (key: string, value: string): StorageWrite => ({ key: bytes(key), value: bytes(value) });
export const remove = (key: string): StorageWrite => ({ key: bytes(key), value: undefined });

/** The whole range of keys. */
export const ALL: StorageRange = { from: new Uint8Array(0), to: new Uint8Array(501).fill(255) };

/** Makes a commit and waits for its `done`. */
export function committed(storage: Storage, ...writes: StorageWrite[]): Promise<void> {
  return new Promise((resolve, reject) => {
    storage.commit(writes, (failure) => (failure === undefined ? resolve() : reject(failure)));
  });
}

/** What a scan finds, as texts. */
export function found(storage: Storage, range: StorageRange = ALL): [string, string][] {
  return [...storage.scan(range)].map(([key, value]) => [text(key) ?? "", text(value) ?? ""]);
}
