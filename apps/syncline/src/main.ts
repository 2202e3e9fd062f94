/** The command: runs what the command line asks for, and ends with its exit code. */
import { EXIT, Stop } from "./exit.js";
import { run } from "./program.js";

process.on("uncaughtException", (error) => {
  process.stderr.write(`syncline: a fault of ours, the process ends: ${error.stack ?? error.message}\n`);
  process.exit(EXIT.failed);
});
// Whoever reads the output may stop reading, as `head` does.
process.stdout.on("error", (error) => {
  if ("code" in error && error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

try {
  process.exit(await run(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  for (const line of error.lines) process.stderr.write(`syncline: ${line}\n`);
  process.exit(error.code);
}
