import type { MessageCodec } from "./codec.js";

/** "I know the cluster's secret." A keyed hash over both greetings, see `greetingProof` in the engine. */
export interface Proof {
  readonly kind: "proof";
  readonly mac: Uint8Array;
}

export const PROOF_BYTES = 32;

export const proof: MessageCodec<Proof> = {
  tag: 2,
  kind: "proof",
  write(out, message) {
    out.raw(message.mac);
  },
  read: (input) => ({ kind: "proof", mac: input.raw(PROOF_BYTES) }),
};
