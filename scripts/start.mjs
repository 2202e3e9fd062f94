/** `npm start [-- flags]`: installs, builds, and becomes `syncline serve` with the flags. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, checkNode, endWithNpm, install, playground, root, runSteps } from "./house.mjs";

checkNode();
endWithNpm();
const needed = [install(), build("apps/syncline", "packages/react", "packages/text"), playground()];
if (!(await runSteps({ needed, after: 1 }))) process.exit(1);

const flags = process.argv.slice(2);
console.log(["[4/4] syncline serve", ...flags].join(" "));
// The command runs in this very process: a signal reaches the server itself and
// once, its exit code is ours, and nobody can kill the one and leave the other.
const command = join(root, "apps", "syncline", "bin", "syncline.js");
process.argv.splice(1, Number.POSITIVE_INFINITY, command, "serve", ...flags);
await import(pathToFileURL(command).href);
