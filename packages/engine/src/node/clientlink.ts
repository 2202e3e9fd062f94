import { checkDocumentName } from "@syncline/core";
import type { Limits } from "@syncline/protocol";
import { type Fault, fault, type Handover, type Message, type Offer } from "@syncline/protocol";
import type { Access, Who } from "../access.js";
import type { Channel } from "../channel.js";
import type { SessionHandler } from "../introduction.js";
import type { FeedSession, Feeds } from "./feeds.js";
import type { PresenceSession } from "./presence.js";
import type { Questions } from "./questions.js";

/** Where a client's offers go: a master's queue, or a follower's refusal. */
export interface OfferSink {
  offer(message: Offer): void;
  handover(message: Handover): void;
}

/** The offers of a client that came to a follower: each is refused with the masters' URLs; nothing is kept. */
export class ReadOnlyOffers implements OfferSink {
  constructor(
    private readonly channel: Channel,
    private readonly masters: () => readonly string[],
  ) {}

  offer(message: Offer): void {
    this.refuse({ what: "offer", number: message.first });
  }

  handover(message: Handover): void {
    if (message.last) this.refuse({ what: "handover" });
  }

  private refuse(about: { what: "offer"; number: number } | { what: "handover" }): void {
    this.channel.send({
      kind: "refusal",
      code: "READ_ONLY_FOLLOWER",
      about,
      reason: "this node is a follower; it takes no writes",
      masters: this.masters(),
      have: new Map(),
    });
  }
}

/** What the links of a node's clients have in common, and how their parts are made. */
export interface ClientParts {
  readonly feeds: Feeds;
  readonly access: Access;
  readonly limits: Limits;
  offers(channel: Channel, who: Who): OfferSink;
  questions(channel: Channel): Questions;
  presence(channel: Channel, incarnation: number): PresenceSession;
  changed(): void;
  closed(link: ClientLink): void;
}

/**
 * One client's link: what it reads goes through its feed, what it writes through its offers. Its parts are made when they
 * are first needed: of many links most do nothing, or one thing.
 */
export class ClientLink implements SessionHandler {
  private feed: FeedSession | undefined;
  private sink: OfferSink | undefined;
  private questions: Questions | undefined;
  private presence: PresenceSession | undefined;

  constructor(
    readonly channel: Channel,
    private readonly who: Who,
    private readonly incarnation: number,
    /** Of the schema that its app was written for, if it has said so. */
    readonly schema: number | undefined,
    private readonly parts: ClientParts,
  ) {}

  /** Undefined as long as it has offered nothing. */
  get offers(): OfferSink | undefined {
    return this.sink;
  }

  message(message: Message): void {
    switch (message.kind) {
      case "open": {
        const refused = this.objection(message.document);
        if (refused === undefined) {
          const { channel, parts } = this;
          parts.feeds.open((this.feed ??= parts.feeds.session(channel)), message);
          this.presence ??= parts.presence(channel, this.incarnation);
          this.presence.opened(message.document);
        } else this.refuseDocument(message.number, refused);
        break;
      }
      case "leave": {
        const name = this.feed?.readers.get(message.number)?.name;
        if (this.feed !== undefined) this.parts.feeds.leave(this.feed, message.number);
        if (name !== undefined) this.presence?.left(name);
        break;
      }
      case "presence":
        // Nobody is anywhere before he has opened a document.
        this.presence?.receive(message);
        return;
      case "offer":
        this.sink ??= this.parts.offers(this.channel, this.who);
        if (this.feed !== undefined) this.feed.hasWritten = true;
        this.sink.offer(message);
        break;
      case "handover":
        this.sink ??= this.parts.offers(this.channel, this.who);
        this.sink.handover(message);
        break;
      case "ask":
        this.questions ??= this.parts.questions(this.channel);
        this.questions.ask(message);
        break;
      case "unask":
        this.questions?.unask(message.number);
        break;
      default:
        this.channel.end(fault("UNEXPECTED_MESSAGE", `a client sent ${message.kind}`));
    }
    this.parts.changed();
  }

  drained(): void {
    this.presence?.drained();
    this.parts.changed();
  }

  closed(): void {
    if (this.feed !== undefined) this.parts.feeds.end(this.feed);
    this.presence?.ended();
    this.questions?.end();
    this.parts.closed(this);
  }

  private objection(document: { collection: string; key: string }): Fault | undefined {
    const wrong = checkDocumentName(document);
    if (wrong !== undefined) return fault("MALFORMED_OP", wrong);
    const { access, limits } = this.parts;
    if (!access.authorize(this.who, document, "read")) {
      return fault("FORBIDDEN", `no right to read ${document.collection}/${document.key}`);
    }
    if ((this.feed?.readers.size ?? 0) >= limits.documentsPerLinkMax) {
      return fault("LIMIT_EXCEEDED", `more than ${limits.documentsPerLinkMax} documents on one link`);
    }
    return undefined;
  }

  private refuseDocument(number: number, why: Fault): void {
    this.channel.send({
      kind: "refusal",
      code: why.code,
      about: { what: "document", number },
      reason: why.reason,
      masters: [],
      have: new Map(),
    });
  }
}
