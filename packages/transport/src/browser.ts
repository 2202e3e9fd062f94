/** The transport of a browser, and the real ports that it hands to an engine. */
export { type BrowserDialerOptions, browserDialer, type PlatformSocket } from "./browser-dialer.js";
export { browserClock, browserRandom, browserScheduler } from "./browser-ports.js";
