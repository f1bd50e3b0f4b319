// Prints the result of each audit as a line of JSON. node audit.mjs URL; the token comes in by the environment.
import { auditServer } from "graphql-http";

const headers = { authorization: `Bearer ${process.env.MINGJING_TEST_TOKEN}` };
const fetchFn = (url, init = {}) => fetch(url, { ...init, headers: { ...init.headers, ...headers } });
for (const result of await auditServer({ url: process.argv[2], fetchFn })) {
  const reason = result.status === "ok" ? "" : result.reason;
  console.log(JSON.stringify({ id: result.id, name: result.name, status: result.status, reason }));
}
