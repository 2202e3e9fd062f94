/**
 * Set before each test file: what is drawn at random comes from the one seed of this run (`vitest.config.ts`), and parts of
 * documents are packed and plain by turns, so that all that is tested of documents is tested of both beside each other.
 */
import { packDocuments } from "@syncline/core";
import fc from "fast-check";

export const SEED = Number(process.env.SYNCLINE_SEED);
if (!Number.isSafeInteger(SEED) || SEED < 0) {
  throw new Error(`SYNCLINE_SEED must be a whole number from 0, not ${process.env.SYNCLINE_SEED}`);
}

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: SEED,
  // Who only asks whether a test fails need not wait until the failure is as small as it gets.
  endOnFailure: process.env.SYNCLINE_UNSHRUNK !== undefined,
});

let parts = SEED;
packDocuments(() => parts++ % 2 === 0);
