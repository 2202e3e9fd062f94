/** `pnpm verify`: types, lint, boundaries, tests and snippets, with what is installed already. */
import { build, checkNode, checks, endWithNpm, playground, runSteps } from "./house.mjs";

checkNode();
endWithNpm();
const passed = await runSteps({ needed: [build(), playground()], wanted: checks(process.argv.slice(2)) });
process.exitCode = passed ? 0 : 1;
