import { ByteWriter } from "@syncline/core";
import { type Fault, fault, type Hello, type Limits, NONCE_BYTES } from "@syncline/protocol";
import { Channel } from "./channel.js";
import {
  type IntroductionPorts,
  introduction,
  mismatch,
  type Self,
  type SessionHandler,
} from "./introduction.js";
import type { Link, Mac } from "./ports.js";

/**
 * The greeting of nodes: both ends say who they are, and nodes prove to each other that they know the cluster's secret.
 * A client's end of it is `client/greeting.ts`.
 *
 * The end that dialed speaks first. The other end answers with its own greeting and, between nodes of a cluster
 * that has a secret, its proof; the first end then sends its proof. A proof is a keyed hash over both nonces and
 * everything the two ends claim to be, under a label for its direction, so it can be neither replayed nor sent
 * back. Before the greeting is over a link accepts small frames only, and not for long.
 */
export interface GreetingPorts extends IntroductionPorts {
  /** Present where the cluster has a secret. */
  readonly mac: Mac | undefined;
}

export interface GreetingHandler {
  /** Decides whether a client may come in; `answer` may be called later. Not called for nodes. */
  admitClient(hello: Hello, answer: (refused: Fault | undefined) => void): void;
  /** The peer is who it says. Its first message follows after this has returned. */
  greeted(channel: Channel, peer: Hello): SessionHandler;
  /** The link ended before that. */
  failed(reason: string, fault: Fault | undefined): void;
}

export function greet(
  side: "dialer" | "acceptor",
  link: Link,
  self: () => Self,
  ports: GreetingPorts,
  limits: Limits,
  handler: GreetingHandler,
): Channel {
  const nonce = ports.random.bytes(NONCE_BYTES);
  // Made when it is sent: what a node knows of others may be news.
  let mine = introduce();
  let theirs: Hello | undefined;
  let session: SessionHandler | undefined;
  /** Set while an acceptor asks whether a client may come in: nothing else is expected then. */
  let asking = false;

  const channel = new Channel(link, ports, limits, {
    message(message) {
      if (session !== undefined && message.kind === "proof") receiveUnaskedProof();
      else if (session !== undefined) session.message(message);
      else if (message.kind === "hello" && theirs === undefined) receiveHello(message);
      else if (message.kind === "proof" && theirs !== undefined && !asking) receiveProof(theirs, message.mac);
      else if (theirs !== undefined && needsProof(theirs)) {
        channel.end(noProof(theirs));
      } else channel.end(fault("UNEXPECTED_MESSAGE", `${message.kind} before the greeting`));
    },
    drained() {
      session?.drained();
    },
    closed(reason, why) {
      stopDeadline();
      if (session !== undefined) session.closed(reason, why);
      else handler.failed(reason, why);
    },
  });
  const stopDeadline = ports.scheduler.after(limits.greetingMsMax, () => {
    if (theirs !== undefined && needsProof(theirs)) channel.end(noProof(theirs));
    else channel.end(fault("GREETING_TIMEOUT", `no greeting within ${limits.greetingMsMax} ms`));
  });
  if (side === "dialer") channel.send(mine);
  return channel;

  function introduce(): Hello {
    return introduction(self(), nonce, ports, limits);
  }

  function receiveHello(hello: Hello): void {
    const refused = objection(hello);
    if (refused !== undefined) {
      channel.end(refused);
      return;
    }
    theirs = hello;
    if (side === "dialer") {
      if (!needsProof(hello)) establish(hello);
      return;
    }
    mine = introduce();
    if (hello.peer !== "client") {
      channel.send(mine);
      if (ports.mac !== undefined) {
        channel.send({ kind: "proof", mac: ports.mac.sign(greetingProof("acceptor", hello, mine)) });
      } else establish(hello);
      return;
    }
    asking = true;
    handler.admitClient(hello, (unwelcome) => {
      if (!asking || !channel.isOpen) return;
      asking = false;
      if (unwelcome !== undefined) {
        channel.end(unwelcome);
        return;
      }
      mine = introduce();
      channel.send(mine);
      establish(hello);
    });
  }

  function receiveProof(hello: Hello, mac: Uint8Array): void {
    if (ports.mac === undefined || !needsProof(hello)) {
      channel.end(fault("UNEXPECTED_MESSAGE", "a proof that nobody asked for"));
      return;
    }
    const [dialer, acceptor] = side === "dialer" ? [mine, hello] : [hello, mine];
    const expected = ports.mac.sign(
      greetingProof(side === "dialer" ? "acceptor" : "dialer", dialer, acceptor),
    );
    if (!equalInConstantTime(mac, expected)) {
      channel.end(fault("PROOF_FAILED", `${hello.name} does not know the cluster's secret`));
      return;
    }
    if (side === "dialer") {
      channel.send({ kind: "proof", mac: ports.mac.sign(greetingProof("dialer", dialer, acceptor)) });
    }
    establish(hello);
  }

  /** An end without a secret asks for no proof: the greeting was over for it when the proof came. */
  function receiveUnaskedProof(): void {
    const areNodes = theirs !== undefined && theirs.peer !== "client" && mine.peer !== "client";
    if (ports.mac === undefined && areNodes) {
      const reason = `${theirs?.name} proves a secret, and this node has none: --cluster-secret-file`;
      channel.end(fault("PROOF_FAILED", reason));
    } else channel.end(fault("UNEXPECTED_MESSAGE", "a proof after the greeting"));
  }

  function establish(hello: Hello): void {
    stopDeadline();
    channel.greeted();
    session = handler.greeted(channel, hello);
  }

  /** Nodes prove themselves to nodes; a client proves nothing here, and asks no proof of a server. */
  function needsProof(hello: Hello): boolean {
    return ports.mac !== undefined && hello.peer !== "client" && mine.peer !== "client";
  }

  function objection(hello: Hello): Fault | undefined {
    const wrong = mismatch(mine, hello);
    if (wrong !== undefined) return wrong;
    if (side === "dialer" && hello.peer === "client")
      return fault("UNEXPECTED_MESSAGE", "a client answered as a server");
    if (hello.peer !== "client" && mine.peer !== "client" && hello.name === mine.name) {
      return hello.incarnation === mine.incarnation
        ? fault("SELF_LINK", `${mine.name} has reached itself`)
        : fault("SUPERSEDED", `two running nodes are named ${mine.name}`);
    }
    return undefined;
  }
}

const noProof = (peer: Hello): Fault =>
  fault("PROOF_FAILED", `${peer.name} does not prove the cluster's secret`);

/** What a proof covers: its direction, both nonces and everything the two ends claim. */
function greetingProof(by: "dialer" | "acceptor", dialer: Hello, acceptor: Hello): Uint8Array {
  const out = new ByteWriter();
  out.text(`syncline greeting, ${by}`);
  for (const hello of [dialer, acceptor]) {
    out.raw(hello.nonce);
    out.uint(hello.versionMin);
    out.uint(hello.versionMax);
    out.text(hello.peer);
    out.text(hello.cluster);
    out.text(hello.name);
    out.uint(hello.incarnation);
    out.text(hello.url);
    out.byte(hello.voter ? 1 : 0);
  }
  return out.finish();
}

/** Compares without telling, by the time it takes, where two byte strings differ. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
