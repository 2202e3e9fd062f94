/** One end of a link that says whatever a test wants it to say, as a client or as a node, and remembers the answers. */
import { createHmac } from "node:crypto";
import type { Link, LinkHandler, Mac } from "@syncline/engine";
import {
  type ErrorCode,
  encodeMessage,
  FrameReader,
  FrameWriter,
  type Hello,
  type Message,
  type MessageKind,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from "@syncline/protocol";
import { type Network, urlOf } from "@syncline/simulation";

/** A greeting, of a client unless it is said otherwise. */
export const helloOf = (is: Partial<Hello> = {}): Hello => ({
  kind: "hello",
  versionMin: PROTOCOL_VERSION_MIN,
  versionMax: PROTOCOL_VERSION_MAX,
  peer: "client",
  cluster: "test",
  name: "raw",
  incarnation: 4711,
  nonce: new Uint8Array(16).fill(7),
  url: "",
  voter: false,
  masters: [],
  token: "",
  ...is,
});

/** Keyed hashes under a cluster's secret. */
export const macOf = (secret: string): Mac => ({
  sign: (message) => new Uint8Array(createHmac("sha256", secret).update(message).digest()),
});

export class RawPeer implements LinkHandler {
  readonly messages: Message[] = [];
  /** Why the link ended, in the words of the transport. */
  closedWith: string | undefined;
  /** Called with every message that arrives. */
  onMessage: (message: Message) => void = () => {};
  private link: Link | undefined;
  /** Frames that were sent before the link was there. */
  private readonly early: Uint8Array[] = [];
  private readonly writer = new FrameWriter();
  private readonly reader = new FrameReader();

  /** Dials a node; `first` is said as soon as the link is there. */
  static dial(network: Network, name: string, node: string, ...first: readonly Message[]): RawPeer {
    const peer = new RawPeer();
    network
      .dialer(name, () => true)
      .dial(urlOf(node), {
        opened: (link) => {
          peer.link = link;
          for (const frame of peer.early.splice(0)) link.send(frame);
          peer.send(...first);
          return peer;
        },
        failed: (reason) => peer.closed(reason),
      });
    return peer;
  }

  /** Listens under a name. Each link that is opened to it is an end of its own. */
  static listen(network: Network, name: string, opened: (peer: RawPeer) => void = () => {}): RawPeer[] {
    const peers: RawPeer[] = [];
    network.register({
      name,
      isUp: true,
      accept: (link) => {
        const peer = new RawPeer();
        peer.link = link;
        peers.push(peer);
        opened(peer);
        return peer;
      },
    });
    return peers;
  }

  /** Messages of one kind, in the order in which they came. */
  of<Kind extends MessageKind>(kind: Kind): Extract<Message, { kind: Kind }>[] {
    const isOfKind = (message: Message): message is Extract<Message, { kind: Kind }> => message.kind === kind;
    return this.messages.filter(isOfKind);
  }

  /** Codes of the refusals that came. */
  get codes(): ErrorCode[] {
    return this.of("refusal").map(({ code }) => code);
  }

  send(...messages: readonly Message[]): void {
    for (const message of messages) this.writer.add(encodeMessage(message));
    for (const frame of this.writer.take()) this.sendBytes(frame);
  }

  /** Sends bytes as they are: the frame's sequence is the caller's concern. */
  sendBytes(bytes: Uint8Array): void {
    if (this.link === undefined) this.early.push(bytes);
    else this.link.send(bytes);
  }

  close(): void {
    this.link?.close("the test has ended it");
  }

  frame(bytes: Uint8Array): void {
    const result = this.reader.read(bytes);
    if (!result.ok) throw new Error(result.fault.reason);
    for (const message of result.messages) {
      this.messages.push(message);
      if (message.kind === "ping") this.send({ kind: "pong" });
      this.onMessage(message);
    }
  }

  drained(): void {}

  closed(reason: string): void {
    this.closedWith = reason;
  }
}
