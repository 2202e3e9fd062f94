/** The transport of a Node process, and the real ports that it hands to an engine. */
export { hmac } from "./hmac.js";
export { type NodeDialerOptions, nodeDialer } from "./node-dialer.js";
export { type AcceptedLink, acceptLink, SOCKET_OPTIONS } from "./node-link.js";
export { acceptUpgrade, type ServerLink } from "./server-link.js";
export { systemClock } from "./system-clock.js";
export { systemRandom } from "./system-random.js";
export { systemScheduler } from "./system-scheduler.js";
