/** Stands in for the command in the test of the snippets: `serve` answers with its port, at /pid with its process. */
import { createServer } from "node:http";

const [verb, ...flags] = process.argv.slice(2);
const flag = (name) => flags[flags.indexOf(name) + 1];
const port = flags.includes("--port") ? flag("--port") : process.env.SYNCLINE_PORT;
if (verb === "serve") {
  const server = createServer(({ url }, response) =>
    response.end(url === "/pid" ? `${process.pid}` : `port ${port}`),
  );
  server.listen(Number(port), "localhost", () => console.log(`listening on port ${port}`));
} else {
  console.error(`unknown command ${verb}`);
  process.exitCode = 2;
}
