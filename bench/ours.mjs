/**
 * Syncline as it was built here. By path and not by name, so that our own side runs without the peers, and their
 * lockfile, installed.
 */
export * from "../packages/core/dist/index.js";
