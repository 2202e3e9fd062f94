import { ByteWriter } from "@syncline/core";
import { type Fault, fault, type Hello, type Limits, type Message, NONCE_BYTES } from "@syncline/protocol";
import { Channel, type ChannelHandler } from "./channel.js";
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
  return new Greeting(side, link, self, ports, limits, handler).channel;
}

/** Nothing of it is kept by a client's link once it is over. */
class Greeting implements ChannelHandler {
  readonly channel: Channel;
  private readonly nonce: Uint8Array;
  private readonly stopDeadline: () => void;
  private mine: Hello | undefined;
  private theirs: Hello | undefined;
  /** An acceptor asks whether a client may come in: nothing else is expected then. */
  private isAsking = false;

  constructor(
    private readonly side: "dialer" | "acceptor",
    link: Link,
    private readonly self: () => Self,
    private readonly ports: GreetingPorts,
    private readonly limits: Limits,
    private readonly handler: GreetingHandler,
  ) {
    this.nonce = ports.random.bytes(NONCE_BYTES);
    this.channel = new Channel(link, ports, limits, this);
    this.stopDeadline = ports.scheduler.after(limits.greetingMsMax, () => {
      if (this.theirs !== undefined && this.needsProof(this.theirs)) this.channel.end(noProof(this.theirs));
      else this.channel.end(fault("GREETING_TIMEOUT", `no greeting within ${limits.greetingMsMax} ms`));
    });
    if (side === "dialer") this.channel.send(this.introduce());
  }

  message(message: Message): void {
    const { channel, theirs } = this;
    if (message.kind === "hello" && theirs === undefined) this.receiveHello(message);
    else if (message.kind === "proof" && theirs !== undefined && !this.isAsking)
      this.receiveProof(theirs, message.mac);
    else if (theirs !== undefined && this.needsProof(theirs)) channel.end(noProof(theirs));
    else channel.end(fault("UNEXPECTED_MESSAGE", `${message.kind} before the greeting`));
  }

  drained(): void {}

  closed(reason: string, why: Fault | undefined): void {
    this.stopDeadline();
    this.handler.failed(reason, why);
  }

  /** Made when it is sent: what a node knows of others may be news. */
  private introduce(): Hello {
    this.mine = introduction(this.self(), this.nonce, this.ports, this.limits);
    return this.mine;
  }

  private receiveHello(hello: Hello): void {
    const { channel, ports, side } = this;
    const mine = side === "dialer" && this.mine !== undefined ? this.mine : this.introduce();
    const refused = this.objection(mine, hello);
    if (refused !== undefined) {
      channel.end(refused);
      return;
    }
    this.theirs = hello;
    if (side === "dialer") {
      if (!this.needsProof(hello)) this.establish(hello);
    } else if (hello.peer === "client") this.askWhether(hello, mine);
    else {
      channel.send(mine);
      if (ports.mac !== undefined)
        channel.send({ kind: "proof", mac: ports.mac.sign(greetingProof("acceptor", hello, mine)) });
      else this.establish(hello);
    }
  }

  /** Whether a client may come in: mostly that is known at once. */
  private askWhether(hello: Hello, mine: Hello): void {
    const { channel } = this;
    let isLater = false;
    this.isAsking = true;
    this.handler.admitClient(hello, (unwelcome) => {
      if (!this.isAsking || !channel.isOpen) return;
      this.isAsking = false;
      if (unwelcome !== undefined) {
        channel.end(unwelcome);
        return;
      }
      channel.send(isLater ? this.introduce() : mine);
      this.establish(hello);
    });
    isLater = true;
  }

  private receiveProof(hello: Hello, mac: Uint8Array): void {
    const { channel, mine, ports, side } = this;
    if (ports.mac === undefined || mine === undefined || !this.needsProof(hello)) {
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
    this.establish(hello);
  }

  private establish(hello: Hello): void {
    const { channel } = this;
    this.stopDeadline();
    const session = this.handler.greeted(channel, hello);
    channel.greeted(hello.peer === "client" ? session : this.lookingForProofs(session, hello));
  }

  /** An end without a secret asks for no proof: the greeting was over for it when the proof came. */
  private lookingForProofs(session: SessionHandler, { name }: Hello): SessionHandler {
    const { channel, ports } = this;
    return {
      message(message) {
        if (message.kind !== "proof") session.message(message);
        else if (ports.mac === undefined) {
          const reason = `${name} proves a secret, and this node has none: --cluster-secret-file`;
          channel.end(fault("PROOF_FAILED", reason));
        } else channel.end(fault("UNEXPECTED_MESSAGE", "a proof after the greeting"));
      },
      drained: () => session.drained(),
      closed: (reason, why) => session.closed(reason, why),
    };
  }

  /** Nodes prove themselves to nodes; a client proves nothing here, and asks no proof of a server. */
  private needsProof(hello: Hello): boolean {
    return this.ports.mac !== undefined && hello.peer !== "client";
  }

  private objection(mine: Hello, hello: Hello): Fault | undefined {
    const wrong = mismatch(mine, hello);
    if (wrong !== undefined) return wrong;
    if (this.side === "dialer" && hello.peer === "client")
      return fault("UNEXPECTED_MESSAGE", "a client answered as a server");
    if (hello.peer !== "client" && hello.name === mine.name) {
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
