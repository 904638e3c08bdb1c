// A process that claims one sign-in attempt as soon as its stdin ends, and prints what it got.
// argv: <folder> <attempt id>. The callback address comes on stdin: it is a secret.

import { randomBytes } from "node:crypto";

const { PendingLogins } = await import(new URL("../../dist/oauth/pending.js", import.meta.url).href);
const { parseIssuer } = await import(new URL("../../dist/oauth/issuer.js", import.meta.url).href);

const say = (line) => void process.stdout.write(`${line}\n`);
const [folder, id] = process.argv.slice(2);
const logins = new PendingLogins({ folder, issuer: parseIssuer(undefined), now: Date.now, randomBytes });
say("ready");
let callbackText = "";
for await (const chunk of process.stdin.setEncoding("utf8")) callbackText += chunk;
try {
  await logins.claim(id, { person: "1", chat: "1", callbackText });
  say("claimed");
} catch (error) {
  say(error.code);
}
