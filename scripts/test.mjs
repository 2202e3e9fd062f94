/** `npm test [-- test/core …]`: installs, builds, runs every check and test; arguments choose tests. */
import { build, checkNode, checks, endWithNpm, install, playground, runSteps } from "./house.mjs";

checkNode();
endWithNpm();
const passed = await runSteps({
  needed: [install(), build(), playground()],
  wanted: checks(process.argv.slice(2)),
});
process.exitCode = passed ? 0 : 1;
