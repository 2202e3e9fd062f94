import type { MutableVector } from "@syncline/core";
import { joinInto } from "@syncline/core";
import type { Link } from "@syncline/engine";
import {
  encodeMessage,
  FrameReader,
  FrameWriter,
  type Message,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  type Refusal,
} from "@syncline/protocol";
import { type Cluster, urlOf } from "@syncline/simulation";

/** A client that says whatever a test wants it to say, and remembers the answers. */
export class RawClient {
  readonly messages: Message[] = [];
  readonly refusals: Refusal[] = [];
  received = 0;
  durable = 0;
  committed = 0;
  readonly token: MutableVector = new Map();
  closedWith: string | undefined;
  private link: Link | undefined;
  private readonly writer = new FrameWriter();
  private readonly reader = new FrameReader();

  constructor(
    cluster: Cluster,
    readonly name: string,
    node: string,
  ) {
    cluster.network
      .dialer(name, () => true)
      .dial(urlOf(node), {
        opened: (link) => {
          this.link = link;
          this.send({
            kind: "hello",
            versionMin: PROTOCOL_VERSION_MIN,
            versionMax: PROTOCOL_VERSION_MAX,
            peer: "client",
            cluster: "",
            name,
            incarnation: 1,
            nonce: new Uint8Array(16),
            url: "",
            voter: false,
            masters: [],
            token: "",
          });
          return {
            frame: (bytes) => this.receive(bytes),
            drained() {},
            closed: (reason) => {
              this.closedWith = reason;
            },
          };
        },
        failed: (reason) => {
          this.closedWith = reason;
        },
      });
  }

  send(...messages: Message[]): void {
    for (const message of messages) this.writer.add(encodeMessage(message));
    for (const frame of this.writer.take()) this.sendFrame(frame);
  }

  /** Sends bytes as they are. */
  sendFrame(frame: Uint8Array): void {
    this.link?.send(frame);
  }

  private receive(bytes: Uint8Array): void {
    const result = this.reader.read(bytes);
    if (!result.ok) throw new Error(result.fault.reason);
    for (const message of result.messages) {
      this.messages.push(message);
      if (message.kind === "ping") this.send({ kind: "pong" });
      if (message.kind === "refusal") this.refusals.push(message);
      if (message.kind !== "receipt") continue;
      this.received = message.received;
      this.durable = message.durable;
      this.committed = message.committed;
      joinInto(this.token, message.token);
    }
  }
}
