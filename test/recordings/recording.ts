import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/**
 * Recordings of people typing, keystroke by keystroke (see the README beside the data).
 *
 * The data is not part of this repository: `SYNCLINE_RECORDINGS` names its folder, `../shared/data` is the default.
 */
export interface Transaction {
  /** Who typed. */
  readonly agent: number;
  /** Indexes of the transactions whose merged result the positions refer to. */
  readonly parents: readonly number[];
  /** [position in code points, how many are deleted there, what is inserted there]. */
  readonly patches: readonly (readonly [position: number, deleted: number, inserted: string])[];
}

export interface Recording {
  readonly endContent: string;
  readonly numAgents: number;
  readonly txns: readonly Transaction[];
}

const folder =
  process.env.SYNCLINE_RECORDINGS ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));

/** The recording with this name, or undefined, loudly, when it is not on this machine. */
export function recording(name: string): Recording | undefined {
  const path = `${folder}/${name}.json.gz`;
  if (!existsSync(path)) {
    console.warn(`NOT RUN: there is no recording ${path}; name the folder with SYNCLINE_RECORDINGS`);
    return undefined;
  }
  return JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));
}
