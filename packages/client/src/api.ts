/** Everything an app imports, but `connect`, which differs by platform. */

export type { Other, PlaceChange, Presence, Value } from "@syncline/core";
export { packDocuments } from "@syncline/core";
export type { Logger, SaveState } from "@syncline/engine";
export type { Limits } from "@syncline/protocol";
export { type DocEvent, onChange } from "./changes.js";
export { type ClusterSchema, clusterSchema, type Statement } from "./cluster-schema.js";
export type { ConnectOptions } from "./connect.js";
export type { Database, MadeWrite, Rejection, Status } from "./database.js";
export type { TokenSource } from "./dialing.js";
export type { Doc, DocJson, DocMethods, FieldViews } from "./document.js";
export type { Draft, DraftMethods, FieldDrafts } from "./draft.js";
export { SynclineError, type SynclineErrorCode } from "./errors.js";
export type {
  CounterDraft,
  CounterView,
  DraftOf,
  FlagDraft,
  FlagView,
  GrowCounterDraft,
  GrowSetDraft,
  HeldBy,
  IsOpen,
  JsonOf,
  Member,
  NamesOf,
  RegisterDraft,
  RegisterView,
  SetDraft,
  SetView,
  ViewOf,
} from "./fields.js";
export { indexedDb, type OfflineStorage } from "./indexeddb.js";
export {
  type DisableWinsFlagField,
  disableWinsFlag,
  type FlagField,
  flag,
  type GrowCounterField,
  type GrowSetField,
  growCounter,
  growSet,
  type KeepWholeMapField,
  keepWholeMap,
  type MapField,
  map,
  type RemoveWinsMapField,
  type RemoveWinsSetField,
  removeWinsMap,
  removeWinsSet,
} from "./kinds.js";
export {
  type Conflict,
  type ConflictSide,
  type ConflictType,
  conflictsOf,
  deleteDocument,
  isDeleted,
  onConflicts,
  restoreDocument,
  restoreLoser,
} from "./life.js";
export { type ListDraft, type ListField, type ListView, list } from "./lists.js";
export type { MapDraft, MapJson, MapView } from "./maps.js";
export { type PresenceSupport, presence } from "./presence.js";
export { type RecordDraft, type RecordField, type RecordJson, type RecordView, record } from "./records.js";
export { remedyOf } from "./remedies.js";
export {
  type Collections,
  type CounterField,
  counter,
  defineSchema,
  type Field,
  type Fields,
  type Kind,
  type RegisterField,
  register,
  type Schema,
  type SetField,
  type Storable,
  set,
} from "./schema.js";
export { type UndoHistory, undoHistory } from "./undo.js";
export type { AcknowledgeOptions, Level, Receipt, Write, WriteStage } from "./write.js";
