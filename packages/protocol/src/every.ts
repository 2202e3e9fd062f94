/** Frames of every message there is: for nodes, and whoever listens to them. */
import { encodeFrom, TableReader } from "./frame.js";
import { everyMessage, type Message } from "./message.js";

const EVERY = everyMessage();

/** One encoded message, of any kind. */
export const encodeMessage = (message: Message): Uint8Array => encodeFrom(EVERY, message);

/** Reads frames with messages of any kind. */
export class FrameReader extends TableReader {
  constructor() {
    super(EVERY);
  }
}
