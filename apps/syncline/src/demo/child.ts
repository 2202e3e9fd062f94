/**
 * A server of the demo: what `syncline serve` runs, but its page is told where the buttons lead.
 *
 *   node child.js URL '{"port": …, "name": …}'
 */
import { EXIT, Stop } from "../exit.js";
import { serve } from "../serve.js";

// However the demo ends, also by kill -9: nobody is left to end this one then.
process.once("disconnect", () => process.exit(EXIT.failed));

const [control = "", flags = "{}"] = process.argv.slice(2);
try {
  process.exit(await serve(JSON.parse(flags), control));
} catch (error) {
  process.stderr.write(`${error instanceof Stop ? error.lines.join("\n") : String(error)}\n`);
  process.exit(error instanceof Stop ? error.code : EXIT.failed);
}
