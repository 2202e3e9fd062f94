/**
 * Syncline as it was built here. By path and not by name, so that our own side runs without the peers, and their
 * lockfile, installed. Packed, as nodes and clients in Node have it.
 */
import { packDocuments } from "../packages/core/dist/index.js";

export * from "../packages/core/dist/index.js";

packDocuments();
