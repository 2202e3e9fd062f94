/** A node by itself, on a network and a disk that a test holds in its hands: nobody kills it when its disk has failed. */
import { openAccess, SyncNode } from "@syncline/engine";
import { LIMITS, type Limits, LOCAL } from "@syncline/protocol";
import { Network, SeededRandom, VirtualTime } from "@syncline/simulation";
import { FailingDisk } from "./disks.js";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export class BareNode {
  readonly time = new VirtualTime();
  readonly network = new Network(this.time, new SeededRandom(1));
  readonly disk = new FailingDisk(this.time);
  readonly engine: SyncNode;
  failure: Error | undefined;

  constructor(
    readonly name: string,
    limits: Partial<Limits> = {},
  ) {
    const { time, network } = this;
    this.engine = new SyncNode(
      {
        name,
        cluster: "test",
        role: "master",
        rule: LOCAL,
        url: `sim://${name}`,
        voter: true,
        follow: [],
        limits: { ...LIMITS, ...limits },
      },
      {
        clock: { now: () => Date.UTC(2026, 0, 1) + time.now, monotonic: () => time.now },
        scheduler: time,
        random: new SeededRandom(2),
        storage: this.disk,
        dialer: network.dialer(name, () => true),
        mac: undefined,
        log: silent,
        access: openAccess,
        failed: (error) => {
          this.failure = error;
        },
      },
    );
    network.register({ name, isUp: true, accept: (link) => this.engine.accept(link) });
    this.engine.start(() => {});
    time.pass(10);
  }
}
