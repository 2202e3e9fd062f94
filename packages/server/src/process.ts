/**
 * A node as a process: sockets, data folder, node and HTTP, started in an order in which nothing is left behind by a
 * failure, and stopped in an order in which nothing is lost.
 *
 * Ports first (the commonest mistake), then the folder's lock, then the store, then the node; requests are let in
 * when the node is ready. Stopping goes the other way round.
 */
import { packDocuments } from "@syncline/core";
import {
  type Access,
  type CopyableStorage,
  ForeignStore,
  type Logger,
  openAccess,
  SyncNode,
} from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { memoryStorage } from "@syncline/storage";
import { TextGuard } from "@syncline/text";
import { hmac, nodeDialer, systemClock, systemRandom, systemScheduler } from "@syncline/transport/node";
import { isBlockedPort } from "./blocked-ports.js";
import { type Bridge, createBridge } from "./bridge.js";
import { carefulAccess } from "./caller.js";
import type { ServerConfig } from "./config.js";
import { type DataFolder, nameFor, openDataFolder } from "./data-folder.js";
import { CannotStart } from "./errors.js";
import { Front } from "./front.js";
import { Guard } from "./guard.js";
import { httpApp } from "./http.js";
import { SERVER_LIMITS, type YjsLimits } from "./limits.js";
import { addressesOf, areLoopback, type Listening, listen } from "./listen.js";
import { createLog } from "./logging.js";
import { makeName } from "./node-name.js";
import { Site, type SiteOptions } from "./site.js";
import { dialingSyncPath } from "./sync-url.js";
import { WebSocketDoor } from "./upgrade.js";
import { YjsDoor } from "./yjs-door.js";

export interface ServerOptions {
  /** Who may come in and do what. Without it everybody may do everything, and the server listens on loopback only. */
  readonly access?: Access;
  readonly log?: Logger;
  /** The page of an app at `/`. Without it the status page is there, which is always at `/status`. */
  readonly site?: SiteOptions;
  /** Other limits than the usual ones for providers of y-websocket, by name. */
  readonly limits?: Partial<YjsLimits>;
  /** Ends the start, which then rejects with `STOPPED`. Once the server is there it does nothing: `stop` does. */
  readonly signal?: AbortSignal;
}

/** How a server came to its end: it was stopped, or it failed and cannot go on. */
export type Ending = { readonly failure: Error | undefined };

export interface Server {
  /** Name of the node. */
  readonly name: string;
  readonly port: number;
  /** The addresses that it listens on. */
  readonly addresses: readonly string[];
  /** URL for clients and nodes; empty if the server listens everywhere and none was given. */
  readonly url: string;
  readonly ended: Promise<Ending>;
  /** Takes no more writes, brings what it has to the disk, says goodbye, within `drainMsMax`. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a server. Rejects with `CannotStart`, and then has changed nothing; only `STOPPED` may leave what waits for the disk. */
export async function startServer(config: ServerConfig, options: ServerOptions = {}): Promise<Server> {
  packDocuments();
  const log = options.log ?? createLog({ level: config.logLevel });
  const access = carefulAccess(options.access ?? openAccess, log);
  const bridge = createBridge(log);
  const addresses = await addressesOf(config.host);
  mustNotBeExposed(config, options, addresses);
  // Before anything is opened: the name decides whether the rest fits together.
  const name =
    config.data === undefined
      ? (config.name ?? makeName(systemRandom))
      : await nameFor(config.data, config.name, systemRandom);
  mustNotNameItself(config, name);
  const site = options.site && Site.in(options.site, options.access === undefined);

  const guard = new Guard({
    host: config.host,
    advertise: config.advertise ?? "",
    allowOrigins: config.allowOrigins,
  });
  const front = new Front(guard);
  const listening = await listen(addresses, config.port, () => front.create());
  let folder: DataFolder | undefined;
  let isCutOff = false;
  try {
    const url = config.advertise ?? ownUrl(config.host, listening);
    mustNotFollowItself(config, url, listening.port);
    folder = config.data === undefined ? undefined : await openDataFolder(config.data, name);
    const storage = folder?.storage ?? memoryStorage({ scheduler: systemScheduler });
    const running = await startNode({
      config,
      name,
      url,
      storage,
      log,
      access: bridge.access(access),
      front,
      signal: options.signal,
      cutOff: () => (isCutOff = true),
    });
    return serve({
      config,
      name,
      url,
      listening,
      front,
      guard,
      folder,
      storage,
      log,
      access,
      bridge,
      site,
      limits: { ...SERVER_LIMITS, ...options.limits },
      ...running,
    });
  } catch (error) {
    await front.close(0);
    // Else the folder is as after a crash: what waits for the disk may still be written.
    if (!isCutOff) await folder?.abandon();
    throw error instanceof ForeignStore
      ? new CannotStart(
          "CLUSTER_MISMATCH",
          `--cluster ${config.cluster}: ${error.message}; use another --data`,
          error,
        )
      : error;
  }
}

interface Parts {
  readonly config: ServerConfig;
  readonly name: string;
  readonly url: string;
  readonly storage: CopyableStorage;
  readonly log: Logger;
  readonly access: Access;
}

interface Running {
  readonly node: SyncNode;
  /** Settles when the node's disk has failed. */
  readonly failed: Promise<Error>;
}

interface Starting extends Parts {
  readonly front: Front;
  readonly signal: AbortSignal | undefined;
  /** It was told to stop, and something still waits for the disk. */
  cutOff(): void;
}

/**
 * Makes the node and waits until others may reach it. On a full disk that may take for ever: who asks is told so, and
 * who ends it waits only shortly, because nothing was promised to anybody yet.
 */
function startNode(parts: Starting): Promise<Running> {
  const { config, name, url, storage, log, access, front, signal, cutOff } = parts;
  const stopped = () => new CannotStart("STOPPED", "it was told to stop before it had started");
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(stopped());
    let reportFailure: (error: Error) => void = () => {};
    const failed = new Promise<Error>((settle) => (reportFailure = settle));
    const node = new SyncNode(
      {
        name,
        cluster: config.cluster,
        role: config.role,
        rule: config.rule,
        visibility: config.visibility,
        url,
        voter: config.voter,
        topology: config.topology,
        follow: config.follow,
        ...(config.writes && { writes: config.writes }),
        limits: {
          ...LIMITS,
          writeWaitMs: config.syncTimeoutMs,
          ...(config.retention && limitsOf(config.retention)),
        },
      },
      {
        clock: systemClock,
        scheduler: systemScheduler,
        random: systemRandom,
        storage,
        dialer: dialingSyncPath(nodeDialer()),
        mac: config.secret === undefined ? undefined : hmac(config.secret),
        log,
        access,
        inspector: new TextGuard(),
        failed: (error) => {
          reportFailure(error);
          reject(error);
        },
      },
    );
    const cut = async (): Promise<void> => {
      log.info("stopping", { node: name });
      if (!(await drain(node, SERVER_LIMITS.closeMsMax, log))) cutOff();
      log.info("stopped", { node: name });
      reject(stopped());
    };
    signal?.addEventListener("abort", cut, { once: true });
    front.starting(() => node.status().isDiskFull);
    node.start(() => {
      signal?.removeEventListener("abort", cut);
      resolve({ node, failed });
    });
  });
}

/** Brings what the node has to the disk, and says what is not there when the time is over. */
async function drain(node: SyncNode, ms: number, log: Logger): Promise<boolean> {
  const drained = await atMost(ms, new Promise<void>((resolve) => node.stop(resolve)));
  if (!drained) {
    const { unflushedBytes, isDiskFull } = node.status();
    const reason = isDiskFull ? "the disk is full" : "the disk does not keep up";
    log.warn("drain-timeout", { ms, unwrittenBytes: unflushedBytes, reason });
  }
  return drained;
}

/** What may be kept is reached soon where it is little. */
const limitsOf = ({ bytes, records }: NonNullable<ServerConfig["retention"]>) => ({
  retentionBytesMax: bytes,
  retentionRecordsMax: records,
  truncationRecordsMin: Math.max(1, Math.min(LIMITS.truncationRecordsMin, records)),
});

function serve(
  parts: Parts &
    Running & {
      bridge: Bridge;
      listening: Listening;
      front: Front;
      guard: Guard;
      folder: DataFolder | undefined;
      site: Site | undefined;
      limits: YjsLimits;
    },
): Server {
  const {
    config,
    name,
    url,
    listening,
    front,
    guard,
    folder,
    storage,
    log,
    access,
    bridge,
    site,
    limits,
    node,
    failed,
  } = parts;
  let isDraining = false;
  let end: (ending: Ending) => void = () => {};
  const ended = new Promise<Ending>((resolve) => (end = resolve));
  let failing: Promise<void> | undefined;
  const fail = (error: Error): Promise<void> => (failing ??= endWith(error));
  void failed.then(fail);

  front.open({
    app: httpApp({
      node,
      storage,
      access,
      cluster: config.cluster,
      writeWaitMs: config.syncTimeoutMs,
      guard,
      log,
      isDraining: () => isDraining,
      site,
      fatal: (error) => void fail(error),
    }),
    door: new WebSocketDoor(
      node,
      new YjsDoor({ node, access, cluster: config.cluster, bridge, log, limits }),
      log,
    ),
  });
  if (folder === undefined)
    log.warn("memory-only", {
      reason: "nothing is kept on disk: what this node alone has is lost when it ends",
    });
  if (isBlockedPort(url === "" ? `ws://localhost:${listening.port}` : url))
    log.warn("port-blocked", {
      url,
      reason:
        "browsers refuse this port, and so does fetch: use another --port, or --advertise what leads here",
    });
  log.info("listening", {
    url,
    port: listening.port,
    addresses: listening.addresses,
    page: `http://${browsable(config.host)}:${listening.port}/`,
    node: name,
    role: config.role,
    cluster: config.cluster,
    data: folder?.path ?? "memory",
  });

  let stopped: Promise<void> | undefined;
  return {
    name,
    port: listening.port,
    addresses: listening.addresses,
    url,
    ended,
    stop: () => failing ?? (stopped ??= stop()),
  };

  async function endWith(failure: Error): Promise<void> {
    isDraining = true;
    log.error("server-failed", { reason: failure.message });
    bridge.stop();
    await front.close(SERVER_LIMITS.closeMsMax);
    await atMost(SERVER_LIMITS.closeMsMax, folder?.close() ?? Promise.resolve());
    end({ failure });
  }

  async function stop(): Promise<void> {
    isDraining = true;
    front.drain();
    log.info("stopping", { node: name });
    const drained = await drain(node, SERVER_LIMITS.drainMsMax, log);
    bridge.stop();
    await front.close(SERVER_LIMITS.closeMsMax);
    if (drained) await folder?.close();
    log.info("stopped", { node: name });
    end({ failure: undefined });
  }
}

/** Whether the promise was fulfilled in time. */
function atMost(ms: number, promise: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => resolve(false), ms);
    const settle = (isDone: boolean) => () => {
      clearTimeout(deadline);
      resolve(isDone);
    };
    promise.then(settle(true), settle(false));
  });
}

// ---- checks ----

function mustNotBeExposed(config: ServerConfig, options: ServerOptions, addresses: readonly string[]): void {
  if (areLoopback(addresses)) return;
  if (config.secret !== undefined && options.access !== undefined) return;
  const lacks = [
    ...(config.secret === undefined ? ["a cluster secret (--cluster-secret-file)"] : []),
    ...(options.access === undefined
      ? ["client authentication (issuing tokens comes with a later version)"]
      : []),
  ].join(" and ");
  throw new CannotStart(
    "HOST_EXPOSED",
    `--host ${config.host}: other machines could connect, which takes ${lacks}; use --host localhost`,
  );
}

function mustNotNameItself(config: ServerConfig, name: string): void {
  const { rule } = config;
  if ((rule.kind !== "any" && rule.kind !== "first") || !rule.names.includes(name)) return;
  throw new CannotStart(
    "RULE_NAMES_ITSELF",
    `--sync: the rule names ${name}, which is this node itself; name other nodes`,
  );
}

function mustNotFollowItself(config: ServerConfig, url: string, port: number): void {
  for (const followed of config.follow) {
    const { hostname, port: followedPort } = new URL(followed);
    const isLocal =
      hostname === config.host || (config.host === "localhost" && /^(127\.0\.0\.1|\[::1\])$/.test(hostname));
    if (followed !== url && !(isLocal && Number(followedPort) === port)) continue;
    throw new CannotStart(
      "FOLLOWS_ITSELF",
      `--follow ${followed}: this is the node itself; name another one`,
    );
  }
}

/** The URL of a server that was given none. Who listens on every address has no single one. */
function ownUrl(host: string, { port }: Listening): string {
  return /^(0\.0\.0\.0|\[?::\]?)$/.test(host) ? "" : `ws://${browsable(host)}:${port}`;
}

const browsable = (host: string): string =>
  host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
