// What people do between renewals in the property tests, and what must hold whatever they did.

import { expect } from "vitest";
import type { IssuerFault } from "../../src/sandbox/issuer-faults.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { ALICE, signIn, type renewalWorld } from "./renewal-world.ts";

type World = Awaited<ReturnType<typeof renewalWorld>>;

/** A person signs in anew: the login waits and becomes a job. */
export async function newLogin(w: World): Promise<void> {
  // A fault that was meant for a renewal would hit the sign-in: it is let through the back door.
  const waiting: IssuerFault[] = [];
  for (let fault = w.sandbox.faults.take(); fault !== undefined; fault = w.sandbox.faults.take()) waiting.push(fault);
  const { access, refresh, expiresAtMs } = await signIn(w.sandbox);
  for (const fault of waiting) w.sandbox.faults.next(fault);
  await w.enqueue({ access, refresh, expiresAtMs }, { profileId: ALICE });
}

/** What waits is saved again, as an undo of a removal does, or a person who takes it. */
export async function takeBack(w: World): Promise<void> {
  const [parked] = await w.parked.list();
  if (parked === undefined) return;
  await w.queue.enqueueLogin({
    parkedId: parked.id,
    agentId: "main",
    profileId: ALICE,
    makeFirst: false,
    activation: "auto",
    requestedBy: parked.requestedBy,
  });
}

/** A token that the server has taken, or has not answered for, is never seen there again. */
export function assertNoneTwice(w: World): void {
  const over = new Set<string>();
  for (const { at, fingerprint: token, wasProcessed, status } of w.sandbox.presentations()) {
    if (at !== "token") continue;
    expect(over.has(token), "a token was presented after it may have been spent").toBe(false);
    const isRefused = status !== undefined && status !== 200 && status !== 502 && !wasProcessed;
    if (!isRefused) over.add(token);
  }
}

/** Whatever the server gave and we got lies in the store or waits, unless it was presented for the next one, or replaced by a sign-in. */
export async function assertNoneLost(w: World): Promise<void> {
  const stored = w.readStore().profiles[ALICE]?.["refresh"];
  const parked = await Promise.all((await w.parked.list()).map(({ id }) => w.parked.tokens(id)));
  const kept = [stored, ...parked.map((tokens) => tokens?.refresh.expose())];
  // No refresh token is in two places.
  const known = kept.filter((token) => token !== undefined);
  expect(new Set(known).size).toBe(known.length);
  for (const receipt of await w.receipts.list(100)) {
    if (receipt.kind !== "renew-login" || receipt.outcome !== "parked") continue;
    expect((await w.parked.get(receipt.parkedId ?? ""))?.id).toBe(receipt.parkedId);
  }
  if (typeof stored === "string") {
    const rotation = await w.rotations.get(fingerprint(stored));
    // What is stored is good, or its presentation is on record.
    if (w.sandbox.standing(stored) !== "live") expect(["sent", "dead"]).toContain(rotation?.phase);
  }
}
