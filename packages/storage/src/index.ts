export { StorageError, type StorageErrorCode } from "./errors.js";
export { KEY_BYTES_MAX } from "./keys.js";
export { type MemoryStorage, type MemoryStorageOptions, memoryStorage } from "./memory.js";
export { plainMemory } from "./plain.js";
