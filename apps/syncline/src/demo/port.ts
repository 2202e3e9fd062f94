/** The first of the demo's ports, apart from the demo: the command line names it, and does not load the demo for that. */
export const DEMO_PORT = 1234;
