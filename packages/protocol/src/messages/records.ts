import type { StreamId } from "@syncline/core";
import { LIMITS } from "../limits.js";
import type { MessageCodec } from "./codec.js";

/** "Here is the stream from this position on." Records are copied, never re-encoded; see `record.ts`. */
export interface Records {
  readonly kind: "records";
  readonly stream: StreamId;
  /** Position of the first record; the others follow without gaps. */
  readonly first: number;
  readonly records: readonly Uint8Array[];
}

export const records: MessageCodec<Records> = {
  tag: 9,
  kind: "records",

  write(out, message) {
    out.uint(message.stream);
    out.uint(message.first);
    out.uint(message.records.length);
    for (const record of message.records) out.bytes(record);
  },

  read(input) {
    const stream = input.uint();
    const first = input.uint();
    const count = input.count(LIMITS.batchEntriesMax, 7);
    const records: Uint8Array[] = [];
    for (let i = 0; i < count; i++) records.push(input.bytes(LIMITS.recordBytesMax));
    return { kind: "records", stream, first, records };
  },
};
