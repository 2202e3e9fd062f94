/** The version of this package, as its manifest has it. */
import { readFileSync } from "node:fs";

export const VERSION: string = read();

function read(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "?";
}
