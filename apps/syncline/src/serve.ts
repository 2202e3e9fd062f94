/**
 * `syncline serve`: runs a server until it is told to stop.
 *
 * The first SIGTERM or SIGINT drains and ends with 0, a second one ends at once. A disk that fails ends the process
 * with 1: what was promised is on the disk, and nothing more is promised.
 */
import { fileURLToPath } from "node:url";
import { CannotStart, createLog, readConfig, type Server, startServer } from "@syncline/server";
import { EXIT, type ExitCode, Stop } from "./exit.js";

/** The playground, as `apps/playground/build.mjs` has built it. Where it was not, the status page is at `/`. */
const SITE = fileURLToPath(new URL("../dist/site", import.meta.url));

/**
 * Runs to the end. Throws `Stop` when the server cannot start.
 *
 * @param demo where the buttons of the demo lead; only the demo's own servers have it.
 */
export async function serve(flags: Readonly<Record<string, unknown>>, demo?: string): Promise<ExitCode> {
  const read = readConfig({ flags, env: process.env });
  if (!read.ok) throw new Stop(EXIT.usage, read.mistakes);
  const { config } = read;
  const log = createLog({ level: config.logLevel, colour: mayColour() });

  let server: Server | undefined;
  const stopping = new AbortController();
  let signals = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      signals++;
      if (signals > 1) process.exit(EXIT.failed);
      log.info("signal", { signal });
      stopping.abort();
      void server?.stop();
    });
  }
  const site = { folder: SITE, ...(demo && { demo }) };
  try {
    server = await startServer(config, { log, site, signal: stopping.signal });
  } catch (error) {
    if (error instanceof CannotStart && error.code === "STOPPED") return EXIT.ok;
    throw whyNot(error);
  }
  if (signals > 0) void server.stop();
  const { failure } = await server.ended;
  if (failure === undefined) return EXIT.ok;
  throw new Stop(EXIT.failed, [`stopped, because ${failure.message}`]);
}

function whyNot(error: unknown): Stop {
  if (error instanceof CannotStart) {
    return new Stop(error.code === "STORE_DAMAGED" ? EXIT.failed : EXIT.usage, [error.message]);
  }
  return new Stop(EXIT.failed, [`cannot start: ${error instanceof Error ? error.message : error}`]);
}

const mayColour = (): boolean =>
  process.stdout.isTTY === true && !process.env.NO_COLOR && !process.env.CI && process.env.TERM !== "dumb";
