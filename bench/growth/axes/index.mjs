/**
 * The axes along which Syncline may grow. A measure's `limit` is the slope that it may have: 0 where it must not depend
 * on the axis at all, 1 where linear is the least that is possible. `atLeast` is a limit for what should grow.
 */
import { authors, history, keys } from "./core.mjs";
import { masters } from "./masters.mjs";
import { connections, documents, readers, stored } from "./server.mjs";

export const AXES = [keys, history, authors, connections, readers, documents, stored, masters];
