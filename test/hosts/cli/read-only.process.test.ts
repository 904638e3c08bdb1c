// Commands that only look: they write nothing, start nobody, and work where nothing can be written.

import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { receivedTokens, REQUESTED_BY } from "../../support/apply-world.ts";
import { openClawHome } from "./cli-lab.ts";

const LOOKING = [["list"], ["status"], ["parked"], ["new"]] as const;

type World = Awaited<ReturnType<typeof openClawHome>>["world"];

function park(world: World, name: string) {
  const profileId = `openai-codex:${name}`;
  const requestedBy = { ...REQUESTED_BY, host: "cli", chatId: "cli", personId: String(process.getuid?.()) };
  const expiresAtMs = Date.now() + 60_000;
  const login = {
    agentId: "main",
    profileId,
    reason: "first-login" as const,
    expiresAtMs,
    email: `${name}@example.com`,
  };
  return world.parked.put({ ...login, requestedBy }, receivedTokens(name));
}

describe("list, status, parked and new", () => {
  it.each([...LOOKING, ...LOOKING.slice(0, 3).map((args) => [...args, "--json"])])(
    "work in a state folder that cannot be written, not even by root: %j %j",
    async (...args) => {
      const { call, world } = await openClawHome();
      rmSync(world.paths.root, { recursive: true });
      // There, nobody can make a file, and none of ours is found: what a read-only home is to us.
      symlinkSync("/proc/sys/vm", world.paths.root);
      const { code, stdout, stderr } = await call(args);
      expect(code, stdout + stderr).toBe(0);
      if (args[0] === "list") expect(stdout).toContain("alice");
    },
  );

  it("write neither key nor list, take nothing from the outbox, and start no worker for what is queued", async () => {
    const { call, world } = await openClawHome();
    const parked = await park(world, "dora");
    const job = await world.enqueue(receivedTokens("carol"));
    const address = { host: "cli", chatId: "cli", personId: String(process.getuid?.()) };
    await world.outbox.put({ id: "one", address, content: { kind: "reminder", parkedId: parked.id } });
    const before = readdirSync(world.paths.root, { recursive: true }).map(String).toSorted();
    const calls = LOOKING.flatMap((args) => [call(args), call([...args, "--json"])]);
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(calls.map(() => 0));
    expect(readdirSync(world.paths.root, { recursive: true }).map(String).toSorted()).toEqual(before);
    expect(await world.queue.get(job.id)).toMatchObject({ state: "queued" });
  });
});

describe("a number on the command line", () => {
  it("counts in the list as it is now, and says where it ends", async () => {
    const { call, world } = await openClawHome();
    await park(world, "dora");
    expect((await call(["parked"])).stdout).toContain("1. dora@example.com");
    const asked = await call(["discard", "1"]);
    expect(asked.code, asked.stderr).toBe(0);
    expect(asked.stdout).toContain("dora@example.com");
    for (const command of ["take", "discard"]) {
      const beyond = await call([command, "2", "--json"]);
      expect(beyond.json()).toMatchObject({ error: { code: "ERR_LIST_EXPIRED" } });
    }
    expect((await call(["start", "1", "--json"])).json()).toMatchObject({ profileId: "openai-codex:alice" });
    expect((await call(["start", "9", "--json"])).json()).toMatchObject({ error: { code: "ERR_LIST_EXPIRED" } });
  });

  it("does not throw a login away unseen: that needs the id, which is named", async () => {
    const { call, world } = await openClawHome();
    const { id } = await park(world, "dora");
    const refused = await call(["discard", "1", "--sure", "--json"]);
    expect(refused.json()).toMatchObject({
      error: { code: "ERR_CONFIRMATION_NEEDED", next: expect.stringContaining(`discard ${id} --sure`) },
    });
    expect(await world.parked.list()).toHaveLength(1);
  });
});
