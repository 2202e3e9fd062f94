/** What every end of a link says of itself, and looks at in what the other end says: nodes and clients alike. */
import {
  type ClientLimits,
  commonVersion,
  type Fault,
  fault,
  type Hello,
  type Message,
  type MessageTable,
  type PeerKind,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from "@syncline/protocol";
import type { Clock, Random, Scheduler } from "./ports.js";

export interface IntroductionPorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** What the link may carry. */
  readonly messages: MessageTable;
}

/** What this end says of itself. */
export interface Self {
  readonly peer: PeerKind;
  readonly cluster: string;
  readonly name: string;
  readonly incarnation: number;
  readonly url: string;
  readonly voter: boolean;
  readonly promoted?: boolean;
  readonly generation?: number;
  readonly schema?: number | undefined;
  readonly masters: readonly string[];
  readonly token: string;
}

/** What a session does with its link once the greeting is over. */
export interface SessionHandler {
  message(message: Message): void;
  drained(): void;
  closed(reason: string, fault: Fault | undefined): void;
}

/** The first message of an end. @param nonce 16 random bytes that are this link's. */
export function introduction(
  { masters, ...rest }: Self,
  nonce: Uint8Array,
  { clock }: IntroductionPorts,
  limits: ClientLimits,
): Hello {
  return {
    kind: "hello",
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION_MAX,
    ...rest,
    clockMs: Math.max(0, Math.floor(clock.now())),
    masters: masters.slice(0, limits.urlsMax),
    nonce,
  };
}

/** Why two ends cannot speak with each other, undefined if they can. */
export function mismatch(mine: Hello, theirs: Hello): Fault | undefined {
  if (commonVersion(mine, theirs) === undefined) {
    return fault(
      "PROTOCOL_VERSION",
      `this end speaks versions ${mine.versionMin} to ${mine.versionMax}, the peer ${theirs.versionMin} to ${theirs.versionMax}`,
    );
  }
  const anyCluster = (end: Hello): boolean => end.peer === "client" && end.cluster === "";
  if (theirs.cluster === mine.cluster || anyCluster(theirs) || anyCluster(mine)) return undefined;
  return fault("CLUSTER_MISMATCH", `this is cluster "${mine.cluster}", the peer is of "${theirs.cluster}"`);
}
