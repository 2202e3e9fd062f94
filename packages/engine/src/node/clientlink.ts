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
  readonly isBusy: boolean;
  offer(message: Offer): void;
  handover(message: Handover): void;
  admit(): boolean;
  answer(): void;
}

/** The offers of a client that came to a follower: each is refused with the masters' URLs; nothing is kept. */
export class ReadOnlyOffers implements OfferSink {
  readonly isBusy = false;

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

  admit(): boolean {
    return false;
  }

  answer(): void {}

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

/** One client's link: what it reads goes through its feed, what it writes through its offers. */
export class ClientLink implements SessionHandler {
  private readonly feed: FeedSession;

  constructor(
    readonly channel: Channel,
    readonly offers: OfferSink,
    private readonly questions: Questions,
    private readonly who: Who,
    private readonly feeds: Feeds,
    private readonly access: Access,
    private readonly presence: PresenceSession,
    private readonly limits: Limits,
    /** Of the schema that its app was written for, if it has said so. */
    readonly schema: number | undefined,
    private readonly on: { changed(): void; closed(): void },
  ) {
    this.feed = feeds.session(channel);
  }

  message(message: Message): void {
    switch (message.kind) {
      case "open": {
        const refused = this.objection(message.document);
        if (refused === undefined) {
          this.feeds.open(this.feed, message);
          this.presence.opened(message.document);
        } else this.refuseDocument(message.number, refused);
        break;
      }
      case "leave": {
        const name = this.feed.readers.get(message.number)?.name;
        this.feeds.leave(this.feed, message.number);
        if (name !== undefined) this.presence.left(name);
        break;
      }
      case "presence":
        this.presence.receive(message);
        return;
      case "offer":
        this.offers.offer(message);
        break;
      case "handover":
        this.offers.handover(message);
        break;
      case "ask":
        this.questions.ask(message);
        break;
      case "unask":
        this.questions.unask(message.number);
        break;
      default:
        this.channel.end(fault("UNEXPECTED_MESSAGE", `a client sent ${message.kind}`));
    }
    this.on.changed();
  }

  drained(): void {
    this.presence.drained();
    this.on.changed();
  }

  closed(): void {
    this.feeds.end(this.feed);
    this.presence.ended();
    this.questions.end();
    this.on.closed();
  }

  private objection(document: { collection: string; key: string }): Fault | undefined {
    const wrong = checkDocumentName(document);
    if (wrong !== undefined) return fault("MALFORMED_OP", wrong);
    if (!this.access.authorize(this.who, document, "read")) {
      return fault("FORBIDDEN", `no right to read ${document.collection}/${document.key}`);
    }
    if (this.feed.readers.size >= this.limits.documentsPerLinkMax) {
      return fault("LIMIT_EXCEEDED", `more than ${this.limits.documentsPerLinkMax} documents on one link`);
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
