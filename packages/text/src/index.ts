export { awarenessId } from "./awareness.js";
export type { Attributes, TextDraft } from "./draft.js";
export { type TextField, type TextView, text, type XmlField } from "./field.js";
export { TextGuard } from "./guard.js";
export { applyAll, isXml, shownText } from "./reading.js";
export { touchedRoots } from "./roots.js";
export { type SharedDoc, sharedDoc } from "./shared.js";
export { readUpdate, type StructRun, type UpdateSummary } from "./update.js";
