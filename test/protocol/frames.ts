/** Frames in tests: one at a time, as hex, and as JSON in golden files. */
import { encodeMessage, FrameReader, FrameWriter, type Message } from "@syncline/protocol";

/** The first frame of a link, with these messages. */
export function frameOf(...messages: readonly Message[]): Uint8Array {
  const writer = new FrameWriter();
  for (const message of messages) writer.add(encodeMessage(message));
  const [frame, ...more] = writer.take();
  if (frame === undefined || more.length > 0) throw new Error(`${1 + more.length} frames where one was due`);
  return frame;
}

/** The messages of the first frame of a link. Throws when they are not to be read. */
export function readFrame(frame: Uint8Array): Message[] {
  const result = new FrameReader().read(frame);
  if (!result.ok) throw new Error(result.fault.reason);
  return result.messages;
}

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

/** JSON has neither bytes nor vectors: golden files say `{"$bytes": "hex"}` and `{"$vector": [[stream, position]]}`. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: toHex(value) };
  if (value instanceof Map) return { $vector: [...value] };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
}

export function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value;
  if ("$bytes" in value && typeof value.$bytes === "string") return fromHex(value.$bytes);
  if ("$vector" in value && Array.isArray(value.$vector)) return new Map(value.$vector);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromJson(inner)]));
}
