import type { ByteReader, ByteWriter } from "@syncline/core";

/** Writes one kind of message. */
export interface MessageWriter<M extends { readonly kind: string }> {
  /** On the wire for ever: never renumber, never reuse. */
  readonly tag: number;
  readonly kind: M["kind"];
  write(out: ByteWriter, message: M): void;
}

/**
 * Reads one kind of message.
 *
 * `read` throws `Malformed`, which only `FrameReader` catches. A reader reads the fields in the order in which
 * the writer wrote them and checks every length against a named limit before it allocates.
 */
export interface MessageReader<M extends { readonly kind: string }> {
  readonly tag: number;
  readonly kind: M["kind"];
  read(input: ByteReader): M;
}

/** One kind of message: its tag, its writer and its reader side by side. */
export type MessageCodec<M extends { readonly kind: string }> = MessageWriter<M> & MessageReader<M>;

/** The whole codec of a message that clients only write: they ship no reader of it. */
export const alsoRead = <M extends { readonly kind: string }>(
  writer: MessageWriter<M>,
  read: MessageReader<M>["read"],
): MessageCodec<M> => ({ ...writer, read });

/** The whole codec of a message that clients only read: they ship no writer of it. */
export const alsoWritten = <M extends { readonly kind: string }>(
  reader: MessageReader<M>,
  write: MessageWriter<M>["write"],
): MessageCodec<M> => ({ ...reader, write });
