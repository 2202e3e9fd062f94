import type { ByteReader, ByteWriter } from "@syncline/core";

/**
 * One kind of message: its tag, its writer and its reader side by side.
 *
 * `read` throws `Malformed`, which only `FrameReader` catches. A reader reads the fields in the order in which
 * the writer wrote them and checks every length against a named limit before it allocates.
 */
export interface MessageCodec<M extends { readonly kind: string }> {
  /** On the wire for ever: never renumber, never reuse. */
  readonly tag: number;
  readonly kind: M["kind"];
  write(out: ByteWriter, message: M): void;
  read(input: ByteReader): M;
}
