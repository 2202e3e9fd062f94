import { ByteReader, ByteWriter } from "@syncline/core";
import { encodeMessage, FrameReader, FrameWriter, MESSAGES } from "@syncline/protocol";

/**
 * A process of another version, as its peers see it: its greeting names other versions, and says more than this one
 * knows.
 *
 * Everything after the greeting is in the version that both ends have agreed on, so it is what the engine sends.
 */
export interface Versions {
  readonly min: number;
  readonly max: number;
}

/** The frame as a process that speaks these versions would send it: greetings differ, all else is the same. */
export function speaking({ min, max }: Versions, frame: Uint8Array): Uint8Array {
  if (frame[0] !== 0 || frame[1] !== MESSAGES.hello.tag) return frame;
  const read = new FrameReader().read(frame);
  if (!read.ok) throw new Error("a greeting that cannot be read");
  const writer = new FrameWriter();
  for (const message of read.messages) {
    if (message.kind !== "hello") writer.add(encodeMessage(message));
    else writer.add(withNewerField(encodeMessage({ ...message, versionMin: min, versionMax: max })));
  }
  return writer.take()[0]!;
}

/** An encoded message with a field at its end that this version does not know. */
function withNewerField(encoded: Uint8Array): Uint8Array {
  const input = new ByteReader(encoded);
  const out = new ByteWriter();
  out.uint(input.uint());
  out.bytes(Uint8Array.of(...input.bytes(encoded.length), 7, 7, 7));
  return out.finish();
}
