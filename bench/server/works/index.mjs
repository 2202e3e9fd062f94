/** The works of the server benchmark, in the order in which they are printed. */
import { acknowledged } from "./acknowledged.mjs";
import { catchUp } from "./catch-up.mjs";
import { connections } from "./connections.mjs";
import { fanout } from "./fanout.mjs";
import { keystroke } from "./keystroke.mjs";
import { kill } from "./kill.mjs";
import { latency } from "./latency.mjs";
import { pairs } from "./pairs.mjs";
import { quorum } from "./quorum.mjs";

export const WORKS = [fanout, pairs, latency, keystroke, acknowledged, quorum, connections, catchUp, kill];
