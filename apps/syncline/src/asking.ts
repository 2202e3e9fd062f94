/** Asks a running server over HTTP, for commands that show or change something. */
import { printable } from "@syncline/server";
import { EXIT, Stop } from "./exit.js";
import { baseUrl, DEFAULT_URL, reasonOf } from "./status.js";

export interface Given {
  readonly text: string;
  readonly from: string;
}

/** The server that a command is about: of its flag, of the variable, or the usual one. */
export function givenUrl(url: string | undefined): Given {
  const variable = process.env.SYNCLINE_URL;
  if (url !== undefined) return { text: url, from: "--url" };
  return variable ? { text: variable, from: "SYNCLINE_URL" } : { text: DEFAULT_URL, from: "" };
}

/** What a server says when it refuses. */
export interface RefusedAnswer {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Of those who could do it. */
  readonly masters?: readonly string[];
  readonly faults?: readonly { readonly line: number; readonly column: number; readonly reason: string }[];
}

/** How long a server may take to answer: a write may wait for its quorum. */
const ANSWER_MS_MAX = 15_000;

/** Asks, or posts a body. Throws `Stop`; what the server refuses ends the command with exit code 2. */
export async function askServer(
  given: Given,
  path: string,
  body?: object,
  linesOf: (refused: RefusedAnswer) => readonly string[] = usualLines,
): Promise<unknown> {
  const base = baseUrl(given);
  let answer: Response;
  let json: unknown;
  try {
    answer = await fetch(`${base}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      redirect: "error",
      ...(body && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    json = await answer.json();
  } catch (error) {
    throw new Stop(EXIT.unreachable, [`${base} cannot be reached: ${reasonOf(error)}`]);
  }
  if (answer.ok) return json;
  const refused = (json as { error?: RefusedAnswer }).error;
  if (refused === undefined)
    throw new Stop(EXIT.unreachable, [`${base} answers, but not like a Syncline server`]);
  throw new Stop(EXIT.usage, linesOf(refused));
}

export const usualLines = ({ code, message, remedy, masters = [] }: RefusedAnswer): string[] => {
  const todo = printable(remedy);
  const named =
    masters.length === 0 ? todo : `${todo.replace(/\.$/, "")}: ${masters.map(printable).join(", ")}`;
  return [`${printable(code)}: ${printable(message)}. ${named}`];
};
