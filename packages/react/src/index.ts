/** Documents in React components: a provider and a few hooks. */
export type { Documents } from "./documents.js";
export { createHooks, type Hooks, type ProviderProps, type Transact } from "./hooks.js";
export { type ChangeReceipt, RECEIPTS_MAX } from "./receipts.js";
