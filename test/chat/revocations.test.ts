import { EventEmitter, once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseIssuer } from "../../src/oauth/issuer.ts";
import { Revocations } from "../../src/chat/revocations.ts";
import type { IssuerFault } from "../../src/sandbox/issuer-faults.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { entryOf, loginAt, revocationLab } from "./revocation-lab.ts";

type Lab = Awaited<ReturnType<typeof revocationLab>>;

const ADDRESS = { host: "telegram", chatId: "1", personId: "1" } as const;

function enqueue({ queue, waiting }: Lab) {
  return queue.enqueueLogin({
    parkedId: waiting.id,
    agentId: "main",
    profileId: "openai-codex:work",
    makeFirst: false,
    activation: "auto",
    requestedBy: ADDRESS,
  });
}

/** Both doors refuse, nothing is asked, and the login waits as it was. */
async function expectRefused(lab: Lab, code: string, words: string): Promise<void> {
  const before = await readFile(lab.parkedFile(lab.waiting.id), "utf8");
  await expect(lab.revocations.look(lab.waiting.id)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
  const seen = { parked: lab.waiting, fingerprint: "", sameAccount: [] };
  await expect(lab.revocations.carryOut(seen)).rejects.toMatchObject({ code });
  expect(lab.asked()).toEqual([]);
  expect(lab.sandbox.standing(lab.token)).toBe("live");
  expect(await readFile(lab.parkedFile(lab.waiting.id), "utf8")).toBe(before);
}

describe("a revocation", () => {
  it("asks the server once, and throws the login away when that is done", async () => {
    const lab = await revocationLab();
    const seen = await lab.revocations.look(lab.waiting.id);
    expect(lab.asked()).toEqual([]);
    expect(await lab.revocations.carryOut(seen)).toEqual({ kind: "revoked" });
    expect(lab.sandbox.standing(lab.token)).toBe("revoked");
    expect(lab.asked()).toHaveLength(1);
    expect(await lab.parked.list()).toEqual([]);
  });

  it("is one request however many ask for it at once", async () => {
    const lab = await revocationLab();
    const seen = await lab.revocations.look(lab.waiting.id);
    const ends = await Promise.allSettled([1, 2, 3].map(() => lab.revocations.carryOut(seen)));
    expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(lab.asked()).toHaveLength(1);
  });

  it("is noted on disk before it leaves: whoever is killed meanwhile leaves a login that is marked", async () => {
    const lab = await revocationLab();
    const release = new EventEmitter();
    lab.sandbox.revokeFaults.next({ kind: "slow", until: once(release, "now") });
    const ending = lab.revocations.carryOut(await lab.revocations.look(lab.waiting.id));
    await expect.poll(() => lab.sandbox.standing(lab.token)).toBe("revoked");
    const onDisk = JSON.parse(await readFile(lab.parkedFile(lab.waiting.id), "utf8")) as Record<string, unknown>;
    expect(onDisk["revokingAt"]).toBe(lab.clock.now);
    release.emit("now");
    expect(await ending).toEqual({ kind: "revoked" });
  });

  it.each<IssuerFault>([
    { kind: "drop-before-read" },
    { kind: "drop-after-process" },
    { kind: "status-after-process", status: 502 },
  ])("that ends unclear at %o keeps the login and its mark, and may be asked for again", async (fault) => {
    const lab = await revocationLab();
    lab.sandbox.revokeFaults.next(fault);
    const outcome = await lab.revocations.carryOut(await lab.revocations.look(lab.waiting.id));
    expect(outcome.kind).toBe("unknown");
    expect(await lab.parked.list()).toMatchObject([{ id: lab.waiting.id, revokingAt: lab.clock.now }]);
    expect((await lab.parked.tokens(lab.waiting.id))?.refresh.expose()).toBe(lab.token);
    expect(lab.asked()).toHaveLength(1);
    expect(await lab.revocations.carryOut(await lab.revocations.look(lab.waiting.id))).toEqual({ kind: "revoked" });
    expect(await lab.parked.list()).toEqual([]);
  });

  it("that is refused leaves the login as it was; an earlier mark stays, since that one may have been done", async () => {
    const lab = await revocationLab();
    const refusal = { kind: "error", shape: "flat", code: "invalid_client", status: 401 } as const;
    lab.sandbox.revokeFaults.next(refusal);
    const seen = await lab.revocations.look(lab.waiting.id);
    expect(await lab.revocations.carryOut(seen)).toMatchObject({ kind: "refused" });
    expect(await lab.parked.get(lab.waiting.id)).toEqual(lab.waiting);
    await lab.parked.update(lab.waiting.id, { revokingAt: 7 });
    lab.sandbox.revokeFaults.next(refusal);
    await lab.revocations.carryOut(seen);
    expect(await lab.parked.get(lab.waiting.id)).toEqual({ ...lab.waiting, revokingAt: 7 });
  });

  it("that reaches nobody leaves the login as it was", async () => {
    const lab = await revocationLab();
    const seen = await lab.revocations.look(lab.waiting.id);
    await lab.sandbox.close();
    expect(await lab.revocations.carryOut(seen)).toEqual({ kind: "unreachable" });
    expect(await lab.parked.get(lab.waiting.id)).toEqual(lab.waiting);
  });

  it("of what is gone, or is another login by now, sends nothing", async () => {
    const lab = await revocationLab();
    const seen = await lab.revocations.look(lab.waiting.id);
    const other = await loginAt(lab.sandbox);
    await lab.parked.put(lab.waiting, other, lab.waiting.id);
    await expect(lab.revocations.carryOut(seen)).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    await lab.parked.discard(lab.waiting.id);
    await expect(lab.revocations.carryOut(seen)).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    await expect(lab.revocations.look(lab.waiting.id)).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    expect(lab.asked()).toEqual([]);
  });

  it("of a login without a refresh token says that there is nothing to revoke", async () => {
    const lab = await revocationLab();
    const bare = await lab.park({ ...lab.tokens, refresh: Secret.of("") });
    await expect(lab.revocations.look(bare.id)).rejects.toMatchObject({ code: "ERR_REVOKE_NO_TOKEN" });
  });
});

describe("a revocation is refused while the same login", () => {
  it("lies in a profile, whoever's", async () => {
    const lab = await revocationLab();
    await lab.putStore({});
    await lab.putStore({ "openai-codex:copy": entryOf(lab.tokens) }, "ops");
    await expectRefused(lab, "ERR_REVOKE_SHARED", "the profile copy of agent ops");
  });

  it("lies in the Codex CLI's login file", async () => {
    const lab = await revocationLab();
    const { access, refresh } = lab.tokens;
    await lab.putCodexFile({ tokens: { access_token: access.expose(), refresh_token: refresh.expose() } });
    await expectRefused(lab, "ERR_REVOKE_SHARED", "the Codex CLI's login file");
  });

  it("waits a second time", async () => {
    const lab = await revocationLab();
    const other = await lab.park(lab.tokens);
    await expectRefused(lab, "ERR_REVOKE_SHARED", `the waiting login ${other.id}`);
  });

  it("is being saved", async () => {
    const lab = await revocationLab();
    const { job } = await enqueue(lab);
    // An enqueue that is killed before its end leaves both.
    await lab.parked.put(lab.waiting, lab.tokens, lab.waiting.id);
    await expectRefused(lab, "ERR_REVOKE_SHARED", "a change that is under way");
    await lab.queue.save({ ...job, state: "cancelled" });
    expect(await lab.revocations.look(lab.waiting.id)).toMatchObject({ parked: { id: lab.waiting.id } });
  });

  it("is about to be saved, and only its secret is there yet", async () => {
    const lab = await revocationLab();
    const { job } = await enqueue(lab);
    const secret = await lab.queue.secrets.get(job.id);
    await lab.queue.secrets.remove(job.id);
    const fresh = await revocationLab();
    await fresh.parked.put(fresh.waiting, lab.tokens, lab.waiting.id);
    await fresh.queue.secrets.create(job.id, secret ?? {});
    await expect(fresh.revocations.look(lab.waiting.id)).rejects.toMatchObject({ code: "ERR_REVOKE_SHARED" });
  });

  it("lies in what a change that is under way replaces or takes out", async () => {
    const lab = await revocationLab();
    const { job } = await lab.queue.enqueueLeaseRemoval({
      agentId: "main",
      profileId: "openai-codex:lease",
      activation: "auto",
      leaseId: "l",
    } as Parameters<typeof lab.queue.enqueueLeaseRemoval>[0]);
    const previous = JSON.stringify(entryOf(lab.tokens));
    await lab.queue.secrets.put(job.id, { values: { "/some/store": { next: null, previous } } });
    await expectRefused(lab, "ERR_REVOKE_SHARED", "a change that is under way");
  });

  it("is taken over between the look and the sending", async () => {
    const lab = await revocationLab();
    const seen = await lab.revocations.look(lab.waiting.id);
    await enqueue(lab);
    await expect(lab.revocations.carryOut(seen)).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    expect(lab.asked()).toEqual([]);
  });
});

describe("a login that is taken over just when it is marked", () => {
  it("is not revoked, and its job has it", async () => {
    const lab = await revocationLab();
    const { parked } = lab;
    const racing: Revocations = new Revocations({
      issuer: parseIssuer(lab.sandbox.origin),
      places: {
        store: lab.services.store,
        queue: lab.queue,
        codexFiles: [],
        parked: new Proxy(parked, {
          get: (target, name) => {
            if (name !== "update") return (Reflect.get(target, name) as () => unknown).bind(target);
            return async (...args: Parameters<typeof parked.update>) => {
              await target.update(...args);
              if (args[1].revokingAt !== undefined) await enqueue(lab);
            };
          },
        }),
      },
      folder: lab.paths.parked,
      now: () => lab.clock.now,
    });
    const seen = await racing.look(lab.waiting.id);
    await expect(racing.carryOut(seen)).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    expect(lab.asked()).toEqual([]);
    expect(await lab.queue.open()).toHaveLength(1);
  });
});

describe("a revocation is refused while nobody can look into", () => {
  it.each([["main"], ["ops"]])("the store of agent %s", async (agent) => {
    const lab = await revocationLab();
    await lab.putStore({});
    await lab.putStore("{ broken", agent);
    await expectRefused(lab, "ERR_REVOKE_UNCHECKED", `the store of agent ${agent}`);
  });

  it("the Codex CLI's login file", async () => {
    const lab = await revocationLab();
    await lab.putCodexFile("{ broken");
    await expectRefused(lab, "ERR_REVOKE_UNCHECKED", "the Codex CLI's login file");
  });

  it("another waiting login", async () => {
    const lab = await revocationLab();
    await writeFile(lab.parkedFile("p-0000"), "{ broken");
    await expectRefused(lab, "ERR_REVOKE_UNCHECKED", "p-0000.json");
  });

  it("a change that is under way", async () => {
    const lab = await revocationLab();
    const { job } = await enqueue(lab);
    await lab.parked.put(lab.waiting, lab.tokens, lab.waiting.id);
    await writeFile(join(lab.paths.queue, "secrets", `${job.id}.json`), "{ broken");
    await expectRefused(lab, "ERR_REVOKE_UNCHECKED", "a change that is under way");
  });

  it("a profile whose tokens lie in another program's store", async () => {
    const lab = await revocationLab();
    const { access: _access, refresh: _refresh, ...entry } = entryOf(lab.tokens);
    await lab.putStore({ "openai-codex:far": { ...entry, oauthRef: { source: "keyring", id: "x" } } });
    await expectRefused(lab, "ERR_REVOKE_UNCHECKED", "the profile far of agent main");
  });
});

describe("a look before a revocation", () => {
  it("names those who hold another login of the same account, and lets them be", async () => {
    const lab = await revocationLab();
    await lab.putStore({
      "openai-codex:same": entryOf(await loginAt(lab.sandbox)),
      "openai-codex:other": entryOf(await loginAt(lab.sandbox, "ada@example.com")),
    });
    const second = await lab.park(await loginAt(lab.sandbox));
    const cli = await loginAt(lab.sandbox);
    await lab.putCodexFile({ tokens: { access_token: cli.access.expose(), refresh_token: cli.refresh.expose() } });
    const { sameAccount } = await lab.revocations.look(lab.waiting.id);
    expect(sameAccount).toEqual([
      "the profile same of agent main",
      "the Codex CLI's login file",
      `the waiting login ${second.id}`,
    ]);
    expect(lab.asked()).toEqual([]);
  });
});
