export type { AuthorTable } from "./author-table.js";
export * from "./bytes.js";
export * from "./change.js";
export * from "./checksum.js";
export * from "./clock.js";
export * from "./conflicts.js";
export {
  type CounterDraft,
  type CounterOp,
  CounterState,
  type CounterType,
  type CounterView,
  type Floor,
} from "./counter.js";
export type { AnyOp, Crdt, Undo } from "./crdt.js";
export { deltaSince, mergeDelta, type Version, versionOf } from "./delta.js";
export { digestOf } from "./digest.js";
export * from "./disable-wins-flag.js";
export { BareDocument, type DocumentWatch, type TransactionOrigin } from "./document.js";
export { documentDeltaSince, documentVersion, mergeDocumentDelta } from "./document-delta.js";
export type { Dots, Seen } from "./dots.js";
export type { Draft } from "./draft.js";
export { Document, encodeState } from "./encode-state.js";
export * from "./errors.js";
export type { Exact } from "./exact.js";
export * from "./field-access.js";
export type { FieldType, Site, Source } from "./field-type.js";
export * from "./flag.js";
export type { Arrival, OpForm, StateForm } from "./forms.js";
export { lwwRegister, orMap, orSet, pnCounter, record } from "./full-types.js";
export * from "./grow-counter.js";
export * from "./grow-set.js";
export * from "./ids.js";
export * from "./keep-whole-map.js";
export * from "./kinds.js";
export * from "./limits.js";
export * from "./link.js";
export * from "./list.js";
export {
  type MapDraft,
  type MapOp,
  MapState,
  type MapType,
  type MapTypeOf,
  type MapView,
} from "./map.js";
export { type DocumentEvent, differences, observe, type PlaceChange } from "./observe.js";
export type { Outdone, OutdonePlaces } from "./outdone.js";
export { isOfLife, LOST_PATH } from "./own-fields.js";
export { packDocuments } from "./packed.js";
export { fieldKey, type Path, type PathStep } from "./path.js";
export type { Place } from "./place.js";
export { isRemaining, purgeDocument, purgeField, remainingIn } from "./purge.js";
export * from "./record.js";
export {
  type RegisterDraft,
  type RegisterOp,
  RegisterState,
  type RegisterType,
  type RegisterView,
  type Sibling,
} from "./register.js";
export * from "./remove-wins-map.js";
export * from "./remove-wins-set.js";
export { Replica } from "./replica.js";
export * from "./result.js";
export { openSealed, sealed, sealOf } from "./sealed.js";
export { type Elements, type SetDraft, type SetOp, SetState, type SetType, type SetView } from "./set.js";
export * from "./text.js";
export { type Op, typeOf } from "./types.js";
export { UndoHistory } from "./undo-history.js";
export { compareUtf8, fromUtf8, toUtf8 } from "./utf8.js";
export { ownValue, readValue, type Value, valueKey, writeValue } from "./value.js";
export * from "./vector.js";
export { type Watcher, watch } from "./watching.js";
export { canWriteAgain, writeAgain } from "./write-again.js";
