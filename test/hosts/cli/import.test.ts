// `import`: the Codex CLI's login as a received one, at a terminal over a real store.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LeasedAuthFile } from "../../../src/lease/auth-file.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { pick } from "../terminal/terminal-lab.ts";
import { openClawHome } from "./cli-lab.ts";
import { codexDocument, codexFileLab, loginOf } from "./codex-file-lab.ts";
import { callAtTerminal } from "./terminal-call.ts";

describe("import at a terminal", () => {
  it("explains the two owners, asks, parks a copy and shows the card; the file stays to the byte", async () => {
    const lab = await codexFileLab();
    const login = loginOf("grace");
    lab.put(codexDocument(login));
    const [file, store] = [lab.text(), lab.store()];
    const { code, written, asked } = await callAtTerminal(lab, ["import", "work"], { steps: [pick("Decide later")] });
    expect([code, asked]).toEqual([0, 1]);
    expect(written).toContain("grace@example.com");
    expect(written).toContain("two owners");
    expect(written).toContain("Signed in as grace@example.com");
    expect(written).toContain("openai-codex:work");
    // Its logout, and its login over the file, revoke: neither is advised.
    expect(written).not.toMatch(/run `codex logout/);
    for (const secret of [login.access, login.refresh, login.id]) expect(written).not.toContain(secret);
    expect([lab.text(), lab.store()]).toEqual([file, store]);
    const [parked, ...others] = await lab.parked();
    expect(others).toEqual([]);
    expect(parked).toMatchObject({
      profileId: "openai-codex:work",
      reason: "first-login",
      email: "grace@example.com",
      identity: { userId: "user-grace", accountId: "account-grace" },
      expiresAtMs: Math.trunc(login.expiresAtMs / 1_000) * 1_000,
    });
    const tokens = await lab.parts.engine.parked.tokens(parked?.id ?? "");
    expect([tokens?.refresh.expose(), tokens?.id?.expose()]).toEqual([login.refresh, login.id]);
  });

  it("goes to the profile of the same account where none is named, and asks before it is saved there", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("alice")));
    const store = lab.store();
    const { written } = await callAtTerminal(lab, ["import"], { steps: [pick("Decide later")] });
    expect(written).toContain("It holds the same account");
    expect(await lab.parked()).toMatchObject([{ profileId: "openai-codex:alice", reason: "same-identity" }]);
    expect(lab.store()).toBe(store);
  });

  it("offers and does not replace where the profile is another account's", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("grace")));
    const { written } = await callAtTerminal(lab, ["import", "alice"], { steps: [pick("Decide later")] });
    expect(written).toContain("Another account signed in");
    expect(await lab.parked()).toMatchObject([{ reason: "other-identity" }]);
  });

  it("keeps the same login once, however often it is imported", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("grace")));
    await callAtTerminal(lab, ["import"], { steps: [pick("Decide later")] });
    await callAtTerminal(lab, ["import", "work"], { steps: [pick("Decide later")] });
    expect(await lab.parked()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("says so, without a question, where a profile has this very login", async () => {
    const lab = await codexFileLab();
    const login = loginOf("alice");
    lab.storeLogin("alice", login);
    lab.put(codexDocument(login));
    const { code, written, asked } = await callAtTerminal(lab, ["import", "work"]);
    expect([code, asked]).toEqual([0, 0]);
    expect(written).toContain("openai-codex:alice holds this very login already");
    expect(await lab.parked()).toEqual([]);
  });

  it("takes nothing where the person says no", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("grace")));
    const { code, asked } = await callAtTerminal(lab, ["import", "work"], { agrees: false });
    expect([code, asked]).toEqual([1, 1]);
    expect(await lab.parked()).toEqual([]);
  });

  it("reads the file of $CODEX_HOME before that of ~/.codex, and any that is named before both", async () => {
    const lab = await codexFileLab({ CODEX_HOME: "/nowhere/at/all" });
    lab.put(codexDocument(loginOf("grace")));
    const usual = await callAtTerminal(lab, ["import", "work"]);
    expect(usual.written).toContain("no login of the Codex CLI at /nowhere/at/all/auth.json");
    const named = await callAtTerminal(lab, ["import", "work", "--from", lab.path], { steps: [pick("Decide later")] });
    expect(named.code).toBe(0);
    expect(await lab.parked()).toHaveLength(1);
  });

  it("refuses this machine's lease, also once the CLI has renewed it", async () => {
    const lab = await codexFileLab();
    const [leased, renewed] = [loginOf("grace"), loginOf("grace", Date.now() + 10 * 86_400_000)];
    const file = new LeasedAuthFile({ path: lab.path, folder: lab.parts.own.lease, now: Date.now });
    await file.write("lease-1", {
      label: "alpha",
      email: undefined,
      accountId: leased.accountId,
      accessToken: Secret.of(leased.access),
      refreshToken: Secret.of(leased.refresh),
      idToken: Secret.of(leased.id),
      expiresAtMs: leased.expiresAtMs,
      lastRefresh: "2026-11-21T02:26:01+00:00",
    });
    for (const login of [leased, renewed]) {
      lab.put(codexDocument(login));
      const { code, written, asked } = await callAtTerminal(lab, ["import", "work"]);
      expect([code, asked]).toEqual([1, 0]);
      expect(written).toContain("holds this machine's lease");
    }
    // Nor a copy of it; somebody's own login elsewhere is theirs, whoever they are.
    const copy = join(lab.home, "copy.json");
    lab.put(codexDocument(leased), copy);
    expect((await callAtTerminal(lab, ["import", "work", "--from", copy])).written).toContain("machine's lease");
    expect((await callAtTerminal(lab, ["export", "alice", "--to", copy])).written).toContain("machine's lease");
    lab.put(codexDocument(loginOf("heidi")), copy);
    expect((await callAtTerminal(lab, ["import", "work", "--from", copy], { agrees: false })).asked).toBe(1);
    expect(await lab.parked()).toEqual([]);
  });
});

/** The code with which `import` as a process is refused where the CLI's file holds `value`. */
async function refusal(value: unknown): Promise<string | undefined> {
  const { home, world, call } = await openClawHome();
  const lab = await codexFileLab();
  const path = join(home, ".codex", "auth.json");
  if (value !== undefined) lab.put(value, path);
  const before = lab.text(path);
  const { code, json } = await call(["import", "work", "--json"]);
  expect(code).toBe(1);
  expect(lab.text(path)).toBe(before);
  expect(await world.parked.list()).toEqual([]);
  expect(existsSync(world.paths.chat)).toBe(false);
  return json().error?.code;
}

describe("import without anybody at a terminal, or of what is no login", () => {
  it("is refused with a code for each, and changes nothing", async () => {
    const noRefresh = codexDocument(loginOf("grace"));
    const { refresh_token: _gone, ...tokens } = noRefresh.tokens;
    const cases: Readonly<Record<string, unknown>> = {
      ERR_CONFIRMATION_NEEDED: codexDocument(loginOf("grace")),
      ERR_CODEX_LOGIN_MISSING: undefined,
      ERR_FILE_NOT_JSON: "{ not json",
      ERR_FILE_SHAPE: "[]",
      ERR_TOKEN_CLAIMS: codexDocument({ ...loginOf("grace"), access: "opaque" }),
    };
    for (const [code, value] of Object.entries(cases)) expect(await refusal(value)).toBe(code);
    expect(await refusal({ OPENAI_API_KEY: "k" })).toBe("ERR_CODEX_LOGIN_KIND");
    expect(await refusal({ ...noRefresh, tokens })).toBe("ERR_CODEX_LOGIN_KIND");
  });
});
