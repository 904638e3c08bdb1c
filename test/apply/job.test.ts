// What can be said of a job by its kind and state, and the ids in it as the store of today names them.

import { describe, expect, it } from "vitest";
import { jobFor } from "../../src/apply/job-ids.ts";
import {
  bringsLogin,
  hasEnded,
  isManaged,
  isManagedKind,
  jobSchema,
  loginFactsOf,
  type Job,
  type LoginJob,
  type RenewJob,
} from "../../src/apply/job.ts";
import { JOB_KINDS } from "../../src/apply/job-words.ts";
import {
  newChangeJob,
  newLoginJob,
  newRemoveLeaseJob,
  newSaveLeaseJob,
  type ChangeRequest,
} from "../../src/apply/new-job.ts";
import { receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";

const OLD = "openai-codex:work";
const NEW = "openai:work";
const PLACE = { agentId: "main", profileId: OLD, activation: "auto" } as const;
const ASKED = { requestId: "r-1", ...PLACE, requestedBy: REQUESTED_BY } as const;

const login = newLoginJob({ parkedId: "p-1", ...PLACE, makeFirst: true, requestedBy: REQUESTED_BY }, 1, {
  expiresAtMs: 9,
});
const change = (request: Pick<ChangeRequest, "kind"> & Record<string, unknown>): Job =>
  newChangeJob({ ...ASKED, ...request } as ChangeRequest, 1);
const renewal = change({ kind: "renew-login" }) as RenewJob;
const jobs: readonly Job[] = [
  login,
  renewal,
  newSaveLeaseJob(
    { ...ASKED, leaseId: "l", makeFirst: true, credential: { access: receivedTokens("l").access, expiresAtMs: 9 } },
    1,
  ),
  newRemoveLeaseJob(ASKED, 1),
  change({ kind: "order", how: "first" }),
  change({ kind: "remove-profile" }),
  change({ kind: "rename-profile", to: "openai-codex:home" }),
  change({ kind: "reset-profile" }),
];
const ofKind = (kind: Job["kind"]): Job => jobs.find((job) => job.kind === kind) ?? login;

describe("a job by its kind", () => {
  it("is known for every kind there is", () => {
    expect(jobs.map(({ kind }) => kind).toSorted()).toEqual(JOB_KINDS.toSorted());
  });

  it("changes what is there where it is an order, a removal, a name or a reset", () => {
    const managed = ["order", "remove-profile", "rename-profile", "reset-profile"];
    expect(jobs.filter(isManaged).map(({ kind }) => kind)).toEqual(managed);
    expect(JOB_KINDS.filter(isManagedKind)).toEqual(managed);
  });

  it("brings somebody's tokens where it saves or renews a login", () => {
    expect(jobs.filter(bringsLogin).map(({ kind }) => kind)).toEqual(["save-login", "renew-login"]);
  });
});

describe("what is known of the login that a job brings", () => {
  it("is what the parked login said", () => {
    const facts: LoginJob["login"] = { email: "a@example.com", planType: "plus", expiresAtMs: 9 };
    expect(loginFactsOf({ ...login, login: facts })).toEqual(facts);
  });

  it("is nothing before a renewal was answered, and afterwards not the token that was presented", () => {
    expect(loginFactsOf(renewal)).toBeUndefined();
    const facts = { email: "a@example.com", expiresAtMs: 9 };
    expect(loginFactsOf({ ...renewal, renewal: { presented: "print", ...facts } })).toStrictEqual(facts);
  });
});

describe("hasEnded", () => {
  it.each(["queued", "prepared", "written", "activated", "verified", "rolling-back"] as const)(
    "is false at %s",
    (state) => {
      expect(hasEnded({ state })).toBe(false);
    },
  );

  it.each(["done", "rolled-back", "parked", "cancelled", "failed"] as const)("is true at %s", (state) => {
    expect(hasEnded({ state })).toBe(true);
  });
});

describe("a job file", () => {
  it("of a newer version, or with an id that is no file name, is not read as a job", () => {
    expect(jobSchema.safeParse(login).success).toBe(true);
    expect(jobSchema.safeParse({ ...login, schemaVersion: 2 }).success).toBe(false);
    for (const id of ["../../etc", "job-UPPER000", "short", `job-${"0".repeat(61)}`])
      expect(jobSchema.safeParse({ ...login, id }).success).toBe(false);
  });

  it("that an older version wrote without counts of repairs is read as one without repairs", () => {
    const { repairs: _repairs, interrupted: _interrupted, ...older } = login;
    expect(jobSchema.parse(older)).toMatchObject({ repairs: 0, interrupted: false });
  });
});

describe("jobFor", () => {
  it.each(jobs)("names the profile of a $kind as the database does, and changes nothing else", (job) => {
    const renamed = job.kind === "rename-profile" ? { to: "openai:home" } : {};
    expect(jobFor(job, "openai")).toStrictEqual({ ...job, profileId: NEW, ...renamed });
    expect(jobFor(job, "openai-codex")).toStrictEqual(job);
    expect(jobFor(job)).toStrictEqual(job);
  });

  it.each(["save-login", "order", "remove-profile"] as const)(
    "names the profiles in the wanted order of a %s",
    (kind) => {
      const job = { ...ofKind(kind), wantedOrder: [OLD, "openai-codex:b", "openai:c"] } as Job;
      expect(jobFor(job, "openai")).toStrictEqual({
        ...job,
        profileId: NEW,
        wantedOrder: [NEW, "openai:b", "openai:c"],
      });
      const none = { ...ofKind(kind), wantedOrder: null } as Job;
      expect(jobFor(none, "openai")).toStrictEqual({ ...none, profileId: NEW });
    },
  );

  it("names the profiles in the order that a lease made, and keeps what else is known of the lease", () => {
    const job = newRemoveLeaseJob({ ...ASKED, leaseId: "lease_1", madeOrder: [OLD] }, 1);
    expect(jobFor(job, "openai")).toStrictEqual({
      ...job,
      profileId: NEW,
      lease: { leaseId: "lease_1", madeOrder: [NEW] },
    });
  });
});
