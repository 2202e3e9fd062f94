import type { StreamId } from "@syncline/core";
import { LIMITS } from "../limits.js";
import type { MessageCodec } from "./codec.js";

/** "How old is what you show?" Between nodes, from one that follows, while one of its readers wants to know. */
export interface Probe {
  readonly kind: "probe";
  /**
   * The asker's number for the question on this link, which the answer repeats. Modulo 32 it is the number of nodes through
   * which the question may still go on.
   */
  readonly number: number;
}

export const probe: MessageCodec<Probe> = {
  tag: 21,
  kind: "probe",
  write(out, message) {
    out.uint(message.number);
  },
  read: (input) => ({ kind: "probe", number: input.uint() }),
};

/** What is known of one master: `ageMs` milliseconds ago its readers saw its own stream up to `position`, not further. */
export interface Age {
  /** Name of the master. */
  readonly node: string;
  readonly stream: StreamId;
  readonly position: number;
  /** Rounded up. */
  readonly ageMs: number;
}

/** "This old." A master says 0 of itself; what others said grows older where it is passed on. */
export interface Ages {
  readonly kind: "ages";
  readonly number: number;
  readonly ages: readonly Age[];
}

export const ages: MessageCodec<Ages> = {
  tag: 22,
  kind: "ages",
  write(out, message) {
    out.uint(message.number);
    out.uint(message.ages.length);
    for (const age of message.ages) {
      out.text(age.node);
      out.uint(age.stream);
      out.uint(age.position);
      out.uint(age.ageMs);
    }
  },
  read(input) {
    const number = input.uint();
    const count = input.count(LIMITS.membersMax + 1, 4);
    const list: Age[] = [];
    for (let i = 0; i < count; i++) {
      list.push({
        node: input.text(LIMITS.nameBytesMax),
        stream: input.uint(),
        position: input.uint(),
        ageMs: input.uint(),
      });
    }
    return { kind: "ages", number, ages: list };
  },
};
