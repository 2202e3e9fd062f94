/** What the exit code of the command means. */
export const EXIT = {
  ok: 0,
  /** Something went wrong while it ran. */
  failed: 1,
  /** It was asked for something that cannot be: the line on standard error says what to write instead. */
  usage: 2,
  /** The server that was asked about cannot be reached. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a code and one line for each thing that is wrong. */
export class Stop extends Error {
  readonly code: ExitCode;
  readonly lines: readonly string[];

  constructor(code: ExitCode, lines: readonly string[]) {
    super(lines.join("\n"));
    this.code = code;
    this.lines = lines;
  }
}
