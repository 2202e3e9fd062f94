/** The works of the core benchmark, in the order in which they are printed. A work is what every system has to do. */
import { churn } from "./churn.mjs";
import { counterIncrements } from "./counter-increments.mjs";
import { manyAuthors } from "./many-authors.mjs";
import { mapMemory, setMemory, smallDocuments } from "./memory.mjs";
import { mergeReplicas } from "./merge-replicas.mjs";
import { opBytes } from "./op-bytes.mjs";
import { registerWrites } from "./register-writes.mjs";
import { saveLoad } from "./save-load.mjs";
import { setChurn } from "./set-churn.mjs";

export const WORKS = [
  opBytes,
  registerWrites,
  counterIncrements,
  setChurn,
  mergeReplicas,
  saveLoad,
  churn,
  manyAuthors,
  setMemory,
  mapMemory,
  smallDocuments,
];
