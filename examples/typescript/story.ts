// An upload comes in, a marked copy goes out to a recipient, and the ledger says so: node build/story.js URL UPLOAD COPY.
// KYCMARK_TOKEN is a token with all roles. kycmark.d.ts is generated from docs/openapi.json: npm run generate.
import { readFile, writeFile } from "node:fs/promises";
import type { components } from "./kycmark.js";

type Schemas = components["schemas"];
const [url, upload, copy] = process.argv.slice(2);

/** call makes a request. It throws the service's own words if the answer is no success. */
async function call(method: string, path: string, body?: BodyInit, head: Record<string, string> = {}): Promise<Response> {
  const key: Record<string, string> = method === "POST" ? { "Idempotency-Key": crypto.randomUUID() } : {};
  const token = { Authorization: `Bearer ${process.env.KYCMARK_TOKEN}` };
  const answer = await fetch(url + path, { method, body, headers: { ...token, ...key, ...head } });
  if (!answer.ok) {
    const problem = (await answer.json()) as Schemas["Problem"];
    throw new Error(`${problem.object}: ${problem.problem}: ${problem.todo}`);
  }
  return answer;
}
const json = { "Content-Type": "application/json" };

const recipient: Schemas["InRecipientBody"] = { name: "vendor-a", kind: "vendor" };
await call("POST", "/v1/recipients", JSON.stringify(recipient), json);

const picture = { "Content-Type": "image/jpeg", "Kycmark-Subject": "customer-1" };
const sent = await call("POST", "/v1/submissions", new Uint8Array(await readFile(upload)), picture);
const entered = (await sent.json()) as Schemas["Entered"];

const wanted: Schemas["WantedCopy"] = { recipient: recipient.name, purpose: "identity checks" };
const marked = await call("POST", `/v1/submissions/${entered.submission}/copies`, JSON.stringify(wanted), json);
await writeFile(copy, new Uint8Array(await marked.arrayBuffer()));

const page = (await (await call("GET", "/v1/events?after=0")).json()) as Schemas["Events"];
for (const e of page.events) {
  console.log(`${e.entry} ${e.time} ${e.kind}`);
}
console.log(`copy ${marked.headers.get("Kycmark-Copy")} of ${entered.width} x ${entered.height} pixels`);
