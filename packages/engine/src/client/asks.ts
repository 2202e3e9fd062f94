import type { Vector } from "@syncline/core";
import { type Fault, fault, type Message } from "@syncline/protocol";
import type { Channel } from "../channel.js";

/**
 * Questions of a client that wait until a quorum has a write.
 *
 * They are put to the master that is written to, and put again to the next one when that changes: any node can
 * answer, because what they ask about is a vector.
 */
interface Question {
  readonly vector: Vector;
  readonly quorum: string;
  readonly answered: (answer: Answer) => void;
}

export type Answer =
  | { readonly ok: true; readonly nodes: readonly string[] }
  /** It will never be answered: the quorum is none. */
  | { readonly ok: false; readonly fault: Fault };

export class Asks {
  readonly #open = new Map<number, Question>();
  #channel: Channel | undefined;
  #next = 1;

  /** Calls back once, when it holds. Returns a function that ends the waiting. */
  ask(question: Question): () => void {
    const number = this.#next++;
    this.#open.set(number, question);
    this.#put(number, question);
    return () => {
      if (this.#open.delete(number)) this.#channel?.send({ kind: "unask", number });
    };
  }

  attach(channel: Channel): void {
    this.#channel = channel;
    for (const [number, question] of this.#open) this.#put(number, question);
  }

  detach(): void {
    this.#channel = undefined;
  }

  /** Returns false if the message is none of the questions'. */
  receive(message: Message): boolean {
    if (message.kind === "told") this.#answer(message.number, { ok: true, nodes: message.nodes });
    else if (message.kind !== "refusal" || message.about.what !== "ask") return false;
    // Who is asked too much at once is asked again when the link is new, or not at all: the waiting has an end.
    else if (message.code === "MALFORMED_OP") {
      this.#answer(message.about.number, { ok: false, fault: fault(message.code, message.reason) });
    }
    return true;
  }

  #put(number: number, { vector, quorum }: Question): void {
    this.#channel?.send({ kind: "ask", number, vector, quorum });
  }

  #answer(number: number, answer: Answer): void {
    const question = this.#open.get(number);
    this.#open.delete(number);
    question?.answered(answer);
  }
}
