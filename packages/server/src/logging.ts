/**
 * Logs: one line for each event, for machines as JSON, for people at a terminal as text.
 *
 * An event has a name (`listening`, `node-connected`) and fields of plain data. Never a secret, never the contents of
 * a document. Lines are written at once, so that the last one before a crash is there.
 */
import type { Logger } from "@syncline/engine";
import { type DestinationStream, destination, pino, stdTimeFunctions } from "pino";
import { printable } from "./printable.js";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Text for people instead of JSON. Default: whether standard output is a terminal. */
  readonly pretty?: boolean;
  /** With colours; only if it is text. */
  readonly colour?: boolean;
  /** Where lines go. Default: standard output. */
  readonly write?: (line: string) => void;
}

export function createLog(options: LogOptions): Logger {
  const { level, write, pretty = process.stdout.isTTY === true, colour = false } = options;
  const sink = write === undefined ? standardOutput() : { write };
  const target = pretty ? { write: (line: string) => void sink.write(readable(line, colour)) } : sink;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  return {
    debug: (event, fields) => logger.debug({ event, ...fields }),
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
  };
}

/** A log that says nothing, for embedding and tests. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function standardOutput(): DestinationStream {
  const stream = destination({ fd: 1, sync: true });
  // Who reads the log may go away; the server stays.
  stream.on("error", () => {});
  return stream;
}

/** A JSON line as `12:30:05 info  listening  url=http://localhost:1234`. */
function readable(line: string, colour: boolean): string {
  const { time, level, event, stack, ...fields }: Record<string, unknown> = JSON.parse(line);
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const label = String(level).padEnd(5);
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  const text = `${clock} ${colour ? `${COLOURS[String(level)] ?? ""}${label}\x1b[0m` : label} ${String(event).padEnd(18)} ${parts.join(" ")}`;
  return `${text.trimEnd()}\n${typeof stack === "string" ? `${stack.split("\n").map(printable).join("\n")}\n` : ""}`;
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "-");
  const line = printable(text);
  return typeof value === "string" && /[\s"=]|^$/.test(line) ? JSON.stringify(line) : line;
}

const COLOURS: Readonly<Record<string, string>> = {
  debug: "\x1b[2m",
  info: "\x1b[36m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};
