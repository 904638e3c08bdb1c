// The leased login file in a process of its own, that can be told to die before its n-th change of the disk.
// argv: <folder> <n, 0 = live> <write | takeOver | remove>. <folder>/plan.json holds {path, leaseId, tokens}; parked logins are
// appended to <folder>/parked.jsonl. Prints how many changes there were.

import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeDiskChanges } from "./disk-changes.mjs";

const [folder, point, command] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { LeasedAuthFile } = await from("lease/auth-file.js");
const { Secret } = await from("secrets/secret.js");
const { path, leaseId, tokens, expiresAtMs, accountId } = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"));

// Dying before each change of the disk visits all states of it.
let changes = 0;
const dieAtPoint = () => {
  changes += 1;
  if (changes === Number(point)) process.kill(process.pid, "SIGKILL");
};
beforeDiskChanges(dieAtPoint);

const file = new LeasedAuthFile({ path, folder: join(folder, "lease"), now: Date.now });
const material = {
  label: undefined,
  email: undefined,
  accountId,
  accessToken: Secret.of(tokens.access),
  refreshToken: Secret.of(tokens.refresh),
  idToken: Secret.of(tokens.id),
  expiresAtMs,
  lastRefresh: undefined,
};
const park = async (login) => {
  dieAtPoint();
  const handle = openSync(join(folder, "parked.jsonl"), "a", 0o600);
  writeSync(handle, `${JSON.stringify(login.text.expose())}\n`);
  fsyncSync(handle);
  closeSync(handle);
};
const result =
  command === "remove"
    ? await file.remove()
    : command === "write"
      ? await file.write(leaseId, material)
      : await file.takeOver(leaseId, material, park);
process.stdout.write(`${changes} ${result.outcome}`);
