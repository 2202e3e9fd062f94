/** What is alike on every platform. The transports are in `@syncline/transport/node` and `@syncline/transport/browser`. */
export * from "./limits.js";
