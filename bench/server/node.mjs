/**
 * One node of several, in a process of its own; says its port, and what CPU time it has used when asked.
 *
 *   node bench/server/node.mjs '{"name", "role", "port", "data", "follow", "sync"}'
 */
import { LOCAL, parseRule } from "../../packages/protocol/dist/index.js";
import { silentLog, startServer } from "../../packages/server/dist/index.js";
import { configOf } from "./systems/syncline.mjs";

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ answer: user + system });
});
process.on("disconnect", () => process.exit());

const { sync, ...given } = JSON.parse(process.argv[2]);
const rule = sync === undefined ? LOCAL : parseRule(sync);
const { port } = await startServer(configOf({ rule, ...given }), { log: silentLog });
process.send({ answer: port });
