import type { StreamId } from "@syncline/core";
import type { MessageCodec } from "./codec.js";

/** "Send me this stream from the position after this one, and go on sending." Replaces an earlier one for the stream. */
export interface Follow {
  readonly kind: "follow";
  readonly stream: StreamId;
  /** The sender has every position up to this one, 0 for none. */
  readonly after: number;
}

export const follow: MessageCodec<Follow> = {
  tag: 7,
  kind: "follow",
  write(out, message) {
    out.uint(message.stream);
    out.uint(message.after);
  },
  read: (input) => ({ kind: "follow", stream: input.uint(), after: input.uint() }),
};

/** "Stop sending this stream": it comes from elsewhere now, or there is no room for it. */
export interface Unfollow {
  readonly kind: "unfollow";
  readonly stream: StreamId;
}

export const unfollow: MessageCodec<Unfollow> = {
  tag: 8,
  kind: "unfollow",
  write(out, message) {
    out.uint(message.stream);
  },
  read: (input) => ({ kind: "unfollow", stream: input.uint() }),
};
