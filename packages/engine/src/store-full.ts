/**
 * There is no room for a commit. Unlike any other failure it is no secret what the disk has: nothing of this commit and
 * all before it. So the store goes on, the same commit may be made again, and a node waits for room instead of ending.
 */
export class StoreFull extends Error {
  override readonly name = "StoreFull";
  readonly code = "STORE_FULL";

  constructor(readonly where: string) {
    super(`there is no room left for the store${where === "" ? "" : ` in ${where}`}`);
  }
}
