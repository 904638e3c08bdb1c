// What each request becomes: a job that holds what was asked, and nothing that came along with it.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { jobSchema } from "../../src/apply/job.ts";
import {
  jobIdOf,
  newChangeJob,
  newLoginJob,
  newRemoveLeaseJob,
  newSaveLeaseJob,
  type ChangeRequest,
} from "../../src/apply/new-job.ts";
import { receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";

const AT = 1_234;
const PLACE = { agentId: "main", profileId: "openai-codex:work", activation: "reload" } as const;

/** The id of a job in a file that an earlier version of this program wrote: it must be found again. */
function idAsBefore(kind: string, name: string): string {
  return `job-${createHash("sha256").update(`${kind}\0${name}`).digest("hex").slice(0, 16)}`;
}

/** What every job begins with. */
function begun(kind: string, name: string) {
  return {
    schemaVersion: 1,
    id: idAsBefore(kind, name),
    kind,
    createdAt: AT,
    ...PLACE,
    state: "queued",
    epoch: 0,
    repairs: 0,
    interrupted: false,
    journal: [{ state: "queued", at: AT, epoch: 0 }],
  };
}

describe("the job of a login", () => {
  const login = { email: "a@example.com", planType: "plus", expiresAtMs: 9 };

  it("has what the person decided, and is found by the parked login alone", () => {
    const job = newLoginJob({ parkedId: "p-1", ...PLACE, makeFirst: true, requestedBy: REQUESTED_BY }, AT, login);
    expect(job).toStrictEqual({
      ...begun("save-login", "p-1"),
      makeFirst: true,
      requestedBy: REQUESTED_BY,
      parkedId: "p-1",
      login,
    });
    expect(job.id).toBe(jobIdOf("p-1"));
    expect(jobSchema.parse(job)).toEqual(job);
  });

  it("keeps what was previewed, the order that was wanted and the receipt that it takes back", () => {
    const more = { previewed: "none", wantedOrder: null, undoes: "job-0000000000000000" };
    const request = { parkedId: "p-1", ...PLACE, makeFirst: false, requestedBy: REQUESTED_BY, ...more };
    expect(newLoginJob(request, AT, login)).toMatchObject({ makeFirst: false, ...more });
  });
});

describe("the job of a confirmed change", () => {
  const request = { requestId: "button-1", ...PLACE, requestedBy: REQUESTED_BY } as const;

  it.each<ChangeRequest>([
    { ...request, kind: "order", how: "exactly", wantedOrder: ["openai-codex:work"] },
    { ...request, kind: "remove-profile", wantedOrder: null, previewed: "print" },
    { ...request, kind: "rename-profile", to: "openai-codex:home", undoes: "job-0000000000000000" },
    { ...request, kind: "reset-profile", wantedNotes: {} },
    { ...request, kind: "renew-login" },
  ])("of kind $kind has what was confirmed, under an id of its own, and not the confirmation's", (asked) => {
    const { requestId, ...rest } = asked;
    const job = newChangeJob(asked, AT);
    expect(job).toStrictEqual({ ...begun(asked.kind, requestId), ...rest });
    expect(jobSchema.parse(job)).toEqual(job);
  });

  it("is another one where another change was confirmed by the same name", () => {
    const [first, second] = [
      newChangeJob({ ...request, kind: "renew-login" }, AT),
      newChangeJob({ ...request, kind: "reset-profile" }, AT),
    ];
    expect(first.id).not.toBe(second.id);
    expect(newChangeJob({ ...request, requestId: "button-2", kind: "renew-login" }, AT).id).not.toBe(first.id);
  });
});

describe("the job of a leased credential", () => {
  const { access } = receivedTokens("lease");
  const request = { requestId: "r-1", leaseId: "lease_1", ...PLACE, makeFirst: true } as const;

  it("names the lease and nobody, where the broker said nothing else and nobody asked", () => {
    const job = newSaveLeaseJob({ ...request, credential: { access, expiresAtMs: 9 } }, AT);
    expect(job).toStrictEqual({
      ...begun("save-lease", "r-1"),
      makeFirst: true,
      lease: { leaseId: "lease_1", expiresAtMs: 9 },
    });
    expect(jobSchema.parse(job)).toEqual(job);
  });

  it("has the facts of the credential one by one: what else comes along with the tokens stays out of the file", () => {
    const facts = { email: "l@example.com", label: "team", accountId: "account-l" };
    const credential = { access, expiresAtMs: 9, ...facts, somethingElse: "not ours" };
    const job = newSaveLeaseJob({ ...request, credential, ours: ["print"], requestedBy: REQUESTED_BY }, AT);
    expect(job).toStrictEqual({
      ...begun("save-lease", "r-1"),
      makeFirst: true,
      requestedBy: REQUESTED_BY,
      lease: { leaseId: "lease_1", expiresAtMs: 9, ...facts, ours: ["print"] },
    });
    expect(JSON.stringify(job)).not.toContain(access.expose());
  });

  it("that goes has what the request named, and no more", () => {
    expect(newRemoveLeaseJob({ requestId: "r-1", ...PLACE }, AT)).toStrictEqual({
      ...begun("remove-lease", "r-1"),
      lease: {},
    });
    const lease = { leaseId: "lease_1", stored: "print", ours: ["print"], madeOrder: ["openai-codex:work"] };
    const job = newRemoveLeaseJob({ requestId: "r-1", ...PLACE, ...lease, requestedBy: REQUESTED_BY }, AT);
    expect(job).toStrictEqual({ ...begun("remove-lease", "r-1"), requestedBy: REQUESTED_BY, lease });
    expect(jobSchema.parse(job)).toEqual(job);
  });
});
