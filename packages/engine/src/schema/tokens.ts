/** Where something is wrong in a text that people write. Lines and columns begin with 1. */
export interface TextFault {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

export interface Token {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** A text as words and signs, with their places; white space and `// comments` part them. Throws `TextRefused`. */
export class Tokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  peek(): Token {
    return this.#tokens[this.#at]!;
  }

  take(): Token {
    const token = this.peek();
    if (token.text !== "") this.#at += 1;
    return token;
  }

  /** Takes this word if it is next. */
  takes(text: string): boolean {
    if (this.peek().text !== text) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string, where: string): void {
    const token = this.take();
    if (token.text !== text) refuse(token, `expected ${JSON.stringify(text)} ${where}, not ${shown(token)}`);
  }

  /** A name or a number. */
  word(what: string): Token {
    const token = this.take();
    if (!WORD.test(token.text)) refuse(token, `expected ${what}, not ${shown(token)}`);
    return token;
  }
}

export class TextRefused extends Error {
  readonly code = "SCHEMA_TEXT";
  constructor(readonly fault: TextFault) {
    super(`line ${fault.line}, column ${fault.column}: ${fault.reason}`);
  }
}

export function refuse({ line, column }: Token, reason: string): never {
  throw new TextRefused({ line, column, reason });
}

export const shown = ({ text }: Token): string =>
  text === "" ? "the end of the text" : JSON.stringify(text.slice(0, 40));

const WORD = /^[\p{L}\p{N}_.-]/u;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  lines.forEach((content, index) => {
    for (const match of content.matchAll(/\/\/.*|[\p{L}\p{N}_.-]+|\S/gu)) {
      if (match[0].startsWith("//")) continue;
      tokens.push({ text: match[0], line: index + 1, column: match.index + 1 });
    }
  });
  tokens.push({ text: "", line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 });
  return tokens;
}
