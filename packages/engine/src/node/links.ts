import {
  CODES,
  everyMessage,
  type Fault,
  fault,
  type Hello,
  type Message,
  type MessageTable,
  topologyText,
} from "@syncline/protocol";
import { isFault, type Who } from "../access.js";
import type { Channel } from "../channel.js";
import { greet } from "../greeting.js";
import type { SessionHandler } from "../introduction.js";
import type { Link, LinkHandler, Scheduler } from "../ports.js";
import type { Clients } from "./clients.js";
import { type ClosedStreams, retiredFault } from "./closed-streams.js";
import type { NodeConfig, NodePorts } from "./config.js";
import type { Members } from "./members.js";
import { NodeLink, type Peers } from "./peers.js";
import type { PresenceBoard } from "./presence.js";
import type { Retirements } from "./retirements.js";
import type { Role } from "./role.js";
import type { Upstreams } from "./upstreams.js";

/**
 * Links from their first byte: whoever is at the other end is greeted, and is a client or another node from then on. Of
 * nodes those are turned away that were retired, and earlier processes of one that has come back.
 */
const MESSAGES = everyMessage();

export class Links {
  /** Those whose greeting is not over. */
  private readonly greeting = new Set<Channel>();
  /** Those that others have opened and whose end the transport has not told yet. */
  private accepted = 0;
  private readonly linkPorts: NodePorts & { readonly messages: MessageTable };

  constructor(
    private readonly incarnation: number,
    private readonly self: Role,
    private readonly config: NodeConfig,
    private readonly peers: Peers,
    private readonly members: Members,
    private readonly retirements: Retirements,
    private readonly closed: ClosedStreams,
    private readonly clients: Clients,
    private readonly upstreams: Pick<Upstreams, "succeeded" | "failed" | "giveUp">,
    private readonly presence: PresenceBoard,
    /** Does what links want done at the end of a turn. */
    turnEnds: Scheduler,
    private readonly ports: NodePorts,
    private readonly on: {
      /** Whether nobody is greeted any more. */
      isOver(): boolean;
      masters(): string[];
      connected(link: NodeLink): void;
      receive(link: NodeLink, message: Message): void;
      forget(link: NodeLink): void;
      /** Something may follow from what has come. */
      news(): void;
    },
  ) {
    this.linkPorts = { ...ports, scheduler: turnEnds, messages: MESSAGES };
  }

  /** Ends all links. */
  end(why: Fault): void {
    for (const { channel } of [...this.peers.all()]) channel.end(why);
    this.clients.end(why);
    for (const channel of [...this.greeting]) channel.end(why);
  }

  /** Has nodes greet each other anew: what they say there of themselves has changed. */
  greetAnew(reason: string): void {
    for (const { channel } of [...this.peers.all()]) channel.close(reason);
  }

  attach(side: "dialer" | "acceptor", link: Link, url: string): LinkHandler {
    const { config, ports } = this;
    let who: Who = { name: "" };
    const refused = this.on.isOver()
      ? "SHUTTING_DOWN: the node has stopped"
      : side === "acceptor" && this.accepted >= config.limits.linksMax
        ? "LIMIT_EXCEEDED: too many links"
        : undefined;
    if (refused !== undefined) {
      link.close(refused);
      return { frame() {}, drained() {}, closed() {} };
    }
    const self = () => ({
      peer: this.self.role,
      cluster: config.cluster,
      name: config.name,
      incarnation: this.incarnation,
      url: config.url,
      voter: config.voter,
      promoted: this.self.promoted,
      generation: this.closed.generation,
      masters: this.on.masters(),
      token: topologyText({ isSingle: config.topology === "single-master", claim: this.self.claim }),
    });
    const channel = greet(side, link, self, this.linkPorts, config.limits, {
      admitClient: (hello, answer) => {
        ports.access.authenticate(hello, (result) => {
          if (isFault(result)) answer(result);
          else {
            who = result;
            answer(this.clients.tooOld(hello.schema));
          }
        });
      },
      greeted: (channel, peer) => {
        this.greeting.delete(channel);
        return peer.peer === "client"
          ? this.clients.attach(channel, who, peer)
          : this.attachNode(channel, peer, side, url);
      },
      failed: (reason, why) => {
        this.greeting.delete(channel);
        if (side === "dialer") this.upstreams.failed(url, `${why?.code ?? "ended"}: ${reason}`);
        else ports.log.info("greeting-failed", { reason, code: why?.code });
        if (side === "dialer" && why?.code === "SUPERSEDED") this.peers.contest(config.name);
        if (side === "dialer" && why?.code === "SELF_LINK") this.upstreams.giveUp(url);
      },
    });
    this.greeting.add(channel);
    if (side === "dialer") return channel;
    this.accepted += 1;
    return new AcceptedEnd(channel, this.gone);
  }

  private readonly gone = (): void => {
    this.accepted -= 1;
  };

  private attachNode(
    channel: Channel,
    peer: Hello,
    side: "dialer" | "acceptor",
    url: string,
  ): SessionHandler {
    const { log } = this.ports;
    const reachedAt = peer.url === "" ? url : peer.url;
    const link = new NodeLink(channel, peer, side === "dialer", reachedAt, this.peers);
    if (!this.members.hasRoomFor(peer.name)) {
      this.ports.scheduler.turn(() => channel.end(fault("LIMIT_EXCEEDED", "more nodes than membersMax")));
      return { message() {}, drained() {}, closed() {} };
    }
    const closings = this.retirements.all();
    if (closings.length > 0) channel.send({ kind: "retired", closings });
    if (this.retirements.isRetired(peer.name, peer.generation)) {
      log.info("retired-node-turned-away", { node: peer.name });
      this.ports.scheduler.turn(() => channel.end(retiredFault(peer.name)));
      return {
        // It may know of what this one does not.
        message: (message) => {
          if (message.kind === "retired") this.closed.learn(message.closings);
        },
        drained() {},
        closed() {},
      };
    }
    this.add(link);
    if (side === "dialer") this.upstreams.succeeded(url);
    const { topology = "multi-master" } = this.config;
    if (link.topology.isSingle !== (topology === "single-master"))
      log.error("topology-differs", {
        node: peer.name,
        here: topology,
        remedy: "start all nodes with the same",
      });
    log.info("node-connected", { node: peer.name, role: peer.peer, side });
    this.presence.attach(channel);
    this.on.news();
    return {
      message: (message) => {
        this.on.receive(link, message);
        this.on.news();
      },
      drained: () => this.on.news(),
      closed: (reason, why) => {
        log.info("node-disconnected", { node: peer.name, side, reason, code: why?.code });
        this.on.forget(link);
        this.on.news();
      },
    };
  }

  /** Takes the link up, in place of those to earlier processes of the same node. */
  private add(link: NodeLink): void {
    const { name } = link.peer;
    const wasContested = this.peers.isContested(name);
    const superseded = this.peers.add(link);
    this.members.changed();
    this.on.connected(link);
    if (!wasContested && this.peers.isContested(name)) {
      const urls = [link, ...superseded].map(({ url }) => url);
      this.ports.log.error("name-taken-twice", { node: name, urls, remedy: CODES.SUPERSEDED.remedy });
    }
    for (const old of superseded) {
      this.on.forget(old);
      old.channel.end(fault("SUPERSEDED", `${name} has come back as a new process`));
    }
  }
}

/** An end that somebody else has opened: it counts until the transport says that it is no more. */
class AcceptedEnd implements LinkHandler {
  constructor(
    private readonly channel: Channel,
    private readonly gone: () => void,
  ) {}

  frame(bytes: Uint8Array): void {
    this.channel.frame(bytes);
  }

  drained(): void {
    this.channel.drained();
  }

  closed(reason: string): void {
    this.gone();
    this.channel.closed(reason);
  }
}
