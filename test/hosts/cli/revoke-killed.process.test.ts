// `revoke` killed while the sign-in server has the request: what is left says so, and nothing presents the token by itself.

import { EventEmitter, once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { loginAt, sandboxIssuer } from "../../chat/revocation-lab.ts";
import { REQUESTED_BY } from "../../support/apply-world.ts";
import { openClawHome } from "./cli-lab.ts";

describe("a revoke that is killed with its request under way", () => {
  it("leaves the login, marked on disk; asked again it ends what is left", async () => {
    const sandbox = await sandboxIssuer();
    const { world, call, start } = await openClawHome();
    mkdirSync(dirname(world.paths.config), { recursive: true });
    writeFileSync(world.paths.config, JSON.stringify({ allowUnattended: true }), { mode: 0o600 });
    const env = { CODEX_AUTH_ISSUER: sandbox.origin };
    const tokens = await loginAt(sandbox);
    const login = { agentId: "main", profileId: "openai-codex:spare", reason: "removed" } as const;
    const waiting = { ...login, expiresAtMs: tokens.expiresAtMs, requestedBy: REQUESTED_BY };
    const { id } = await world.parked.put(waiting, tokens);
    const token = tokens.refresh.expose();
    sandbox.revokeFaults.next({ kind: "slow", until: once(new EventEmitter(), "never") });

    const child = start(["revoke", id, "--sure"], env);
    await expect.poll(() => sandbox.standing(token), { timeout: 20_000 }).toBe("revoked");
    child.kill("SIGKILL");
    await once(child, "close");

    expect(await world.parked.list()).toMatchObject([{ id, revokingAt: expect.any(Number) as number }]);
    const shown = await call(["take", id, "--json"], { env });
    expect(shown.stdout).toContain("This login may be revoked already");
    expect(await world.queue.list()).toEqual([]);
    expect(sandbox.presentations(token)).toHaveLength(1);

    const again = await call(["revoke", id, "--sure", "--json"], { env });
    expect(again.json()).toMatchObject({ ok: true });
    expect(await world.parked.list()).toEqual([]);
    expect(sandbox.presentations(token).map(({ at }) => at)).toEqual(["revoke", "revoke"]);
  }, 60_000);
});
