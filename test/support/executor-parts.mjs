// What an executor in a process of its own is made of, from the built code: for peers that are killed, starved of disk, or neither.

import { randomBytes } from "node:crypto";

const from = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { Executor } = await from("apply/executor.js");
const { Outbox } = await from("apply/outbox.js");
const { ParkedLogins } = await from("apply/parked.js");
const { JobQueue } = await from("apply/queue.js");
const { Receipts } = await from("apply/receipt.js");
const { withReign } = await from("apply/reign.js");
const { openClawPaths, ownPaths } = await from("config/paths.js");
const { renewalOf } = await from("hosts/renewal.js");
const { JsonProfileStore } = await from("profiles/json-store.js");

const now = Date.now;

/**
 * The services over one OpenClaw's state folder, and `drain`, which ends every open job. `issuer`: where logins are renewed, if at all.
 * `store`: default OpenClaw's files, of `generation`, or as they show it.
 */
export function executorParts({ environment, gateway, log, issuer, generation, store, kind = "worker", waitMs = 0 }) {
  const openClaw = openClawPaths(environment);
  const paths = ownPaths(openClaw.stateDir);
  const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
  const config = { issuer, lease: { authFilePath: `${environment.home}/none.json` } };
  const services = {
    parked,
    queue: new JobQueue({ paths, parked, now }),
    receipts: new Receipts({ folder: paths.receipts, now }),
    outbox: new Outbox({ folder: paths.outbox, now }),
    store:
      store ??
      new JsonProfileStore({
        paths: openClaw,
        home: environment.home,
        corruptFolder: paths.corrupt,
        ...(generation === undefined ? {} : { generation }),
      }),
    gateway,
    ...(issuer === undefined ? {} : { renewal: renewalOf({ config, environment, now, own: paths }) }),
    now,
    log,
  };
  const drain = () =>
    withReign({ paths, kind, version: "test", now, waitMs }, (reign) => new Executor(services, reign).drain());
  return { openClaw, paths, services, drain };
}
