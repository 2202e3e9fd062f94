export * from "./access.js";
export { Channel } from "./channel.js";
export type { Answer } from "./client/asks.js";
export {
  type ClientConfig,
  type ClientPorts,
  type ClientStatus,
  type ConnectionStatus,
  SyncClient,
} from "./client/client.js";
export { OpenDocument, type SaveState } from "./client/documents.js";
export { keeping } from "./client/keeper.js";
export type { KeepingState, MakeKeeping } from "./client/keeping.js";
export { OwnChange } from "./client/outbox.js";
export { type PresencePart, presencePart } from "./client/presence.js";
export type { Outcome, SlotEntry, SlotStore, SlotWrite } from "./client/slots.js";
export type { NodeConfig, NodePorts, Topology } from "./node/config.js";
export { isReserved, MEMBERS } from "./node/members.js";
export { ForeignStore } from "./node/meta.js";
export { type ReadAnswer, type ReadOptions, SyncNode } from "./node/node.js";
export type { Doubt } from "./node/promotion.js";
export type { FieldIdentity, PurgeState } from "./node/purges.js";
export type { RetirementAnswer } from "./node/retirement.js";
export type { RoleAnswer } from "./node/roles.js";
export type {
  ClosingStatus,
  LevelLag,
  MemberStatus,
  NodeStatus,
  SlotStatus,
  StreamStatus,
  SyncState,
} from "./node/status.js";
export { DamagedStore, recordPlaceOf } from "./node/tables.js";
export { type Damage, type Verification, verifyStore } from "./node/verification.js";
export {
  OpFault,
  type WriteAnswer,
  type WriteFloor,
  type WriteOptions,
  type WritePolicy,
  type WriteReceipt,
} from "./node/writes.js";
export * from "./ports.js";
export * from "./schema/index.js";
export { StoreFull } from "./store-full.js";
