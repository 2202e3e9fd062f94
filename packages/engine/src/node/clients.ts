import type { Change } from "@syncline/core";
import { type Fault, fault, type Hello, type Limits } from "@syncline/protocol";
import type { Inspector, Who } from "../access.js";
import type { Channel } from "../channel.js";
import type { Admission } from "./admission.js";
import { ClientLink, type ClientParts, type OfferSink, ReadOnlyOffers } from "./clientlink.js";
import type { Commits } from "./commit.js";
import type { Concerns } from "./concerns.js";
import type { NodePorts } from "./config.js";
import type { Documents } from "./documents.js";
import type { Feeds } from "./feeds.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";
import type { Mastership } from "./mastership.js";
import { isReserved } from "./members.js";
import { type OfferPorts, Offers } from "./offers.js";
import { type PresenceBoard, PresenceSession } from "./presence.js";
import { Questions } from "./questions.js";
import { isSchema, type NodeSchema } from "./schema.js";

/**
 * The clients that are connected: what the links of all of them share, and which of them wait for something.
 */
export class Clients {
  private readonly links = new Set<ClientLink>();
  /** Of their offers, those that wait for something or are to be answered. */
  readonly offering = new Set<Offers>();
  private readonly parts: ClientParts;
  /** What their offers share at a master. */
  private offerPorts: OfferPorts | undefined;
  /** A timer is set for those that wait for the disk. */
  private areReceiptsHeld = false;
  private holdsMoreReceipts = false;

  constructor(
    private readonly name: string,
    private readonly mastership: Mastership,
    private readonly documents: Documents,
    private readonly schema: NodeSchema,
    private readonly log: Log,
    private readonly journal: Journal,
    private readonly commits: Commits,
    concerns: Concerns,
    feeds: Feeds,
    presence: PresenceBoard,
    private readonly limits: Limits,
    private readonly ports: NodePorts,
    private readonly on: {
      masters(): string[];
      refusesWrites(): Fault | undefined;
      /** Something may follow from what a client has said, or what its receipts waited for. */
      news(): void;
    },
  ) {
    const { clock, scheduler } = ports;
    this.parts = {
      feeds,
      access: ports.access,
      limits,
      offers: (channel, who) => this.offersOf(channel, who),
      questions: (channel) => new Questions(channel, concerns, commits, limits),
      presence: (channel, id) => new PresenceSession(channel, id, presence, clock, scheduler, limits),
      changed: on.news,
      closed: (client) => {
        this.links.delete(client);
        if (client.offers instanceof Offers) this.offering.delete(client.offers);
      },
    };
  }

  get count(): number {
    return this.links.size;
  }

  attach(channel: Channel, who: Who, { incarnation, schema }: Hello): ClientLink {
    const client = new ClientLink(channel, who, incarnation, schema, this.parts);
    this.links.add(client);
    return client;
  }

  end(why: Fault): void {
    for (const { channel } of [...this.links]) channel.end(why);
  }

  /** Why a client is refused whose app was written for this version of the schema. */
  tooOld(version: number | undefined): Fault | undefined {
    const { minimum } = this.schema.catalog();
    if (version === undefined || version >= minimum) return undefined;
    const reason = `the app is of version ${version} of the schema, and ${minimum} is the least that may connect`;
    return fault("SCHEMA_VERSION", reason);
  }

  /** The schema may ask for later apps than those that are connected. */
  schemaChanged(): void {
    this.ports.scheduler.turn(() => {
      for (const client of [...this.links]) {
        const why = this.tooOld(client.schema);
        if (why !== undefined) client.channel.end(why);
      }
    });
  }

  private offersOf(channel: Channel, who: Who): OfferSink {
    const { current } = this.mastership;
    if (current === undefined) return new ReadOnlyOffers(channel, () => this.on.masters());
    if (this.offerPorts?.admission !== current.admission)
      this.offerPorts = this.offerPortsOf(current.admission);
    return new Offers(channel, who, this.offerPorts);
  }

  private offerPortsOf(admission: Admission): OfferPorts {
    const { clock, log: logger, mac, access } = this.ports;
    return {
      admission,
      journal: this.journal,
      log: this.log,
      commits: this.commits,
      clock,
      logger,
      limits: this.limits,
      mac,
      nodeName: this.name,
      busy: this.offering,
      holdReceipts: this.holdReceipts,
      closedFor: () => this.on.refusesWrites(),
      objection: (change) => this.objectionTo(change),
      mayWrite: (who, { document }) =>
        isSchema(document)
          ? access.authorize(who, document, "schema")
          : !isReserved(document) && access.authorize(who, document, "write"),
    };
  }

  private objectionTo(change: Change): ReturnType<Inspector["objection"]> {
    const objection = this.ports.inspector?.objection(change, () => this.documents.shown(change.document));
    if (objection?.kind !== "missing") return objection;
    // All that the change has observed is in the admission view. Unless some of that is not shown yet, nothing will come.
    const { stream } = this.mastership;
    const isAllShown = stream === undefined || stream.visible === stream.held;
    return isAllShown ? { ...objection, kind: "malformed" } : objection;
  }

  private readonly holdReceipts = (): void => {
    this.holdsMoreReceipts = true;
  };

  /** Sees to it that receipts which wait for the disk are looked at again in time. Called when a turn has sent all. */
  watchHeldReceipts(): void {
    const isDue = this.holdsMoreReceipts && !this.areReceiptsHeld;
    this.holdsMoreReceipts = false;
    if (!isDue) return;
    this.areReceiptsHeld = true;
    this.ports.scheduler.after(this.limits.receiptHoldMs, () => {
      this.areReceiptsHeld = false;
      // Mostly the disk was faster, and everything is told.
      if (this.offering.size > 0) this.on.news();
    });
  }
}
