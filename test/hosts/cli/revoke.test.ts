// `revoke`: a waiting login ended at the sign-in server, at a terminal over a real store.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { entryOf, loginAt } from "../../chat/revocation-lab.ts";
import { pick } from "../terminal/terminal-lab.ts";
import { codexDocument, codexFileLab } from "./codex-file-lab.ts";
import { callAtTerminal } from "./terminal-call.ts";

/** A machine on which one login of the sandbox waits. */
async function waitingLab() {
  const lab = await codexFileLab();
  const tokens = await loginAt(lab.issuer);
  const { id } = await lab.parts.engine.parked.put(
    {
      agentId: "main",
      profileId: "openai-codex:spare",
      reason: "removed",
      email: "grace@example.com",
      identity: { userId: "user-grace", accountId: "acct-grace" },
      expiresAtMs: tokens.expiresAtMs,
      requestedBy: { host: "cli", chatId: "cli", personId: "1" },
    },
    tokens,
  );
  const asked = () => lab.issuer.log.filter(({ path }) => path === "/oauth/revoke");
  return { ...lab, tokens, id, asked, token: tokens.refresh.expose() };
}

describe("revoke", () => {
  it("shows what follows, and revokes when the person chooses so", async () => {
    const lab = await waitingLab();
    const { code, written } = await callAtTerminal(lab, ["revoke", "1"], { steps: [pick("Revoke it for good")] });
    expect(code).toBe(0);
    expect(written).toContain("This cannot be undone");
    expect(written).toContain("Revoked: grace@example.com");
    expect(written).not.toContain(lab.token);
    expect(lab.asked()).toHaveLength(1);
    expect(lab.issuer.standing(lab.token)).toBe("revoked");
    expect(await lab.parked()).toEqual([]);
  });

  it("left undecided asks nobody", async () => {
    const lab = await waitingLab();
    const { code } = await callAtTerminal(lab, ["revoke", lab.id]);
    expect(code).toBe(0);
    expect(lab.asked()).toEqual([]);
    expect(await lab.parked()).toHaveLength(1);
  });

  it("with --sure takes an id and no number, which may mean another login by now", async () => {
    const lab = await waitingLab();
    const refused = await callAtTerminal(lab, ["revoke", "1", "--sure"]);
    expect(refused.code).not.toBe(0);
    expect(refused.written).toContain(`codex-auth-skill revoke ${lab.id} --sure`);
    expect(lab.asked()).toEqual([]);
    expect((await callAtTerminal(lab, ["revoke", lab.id, "--sure"])).code).toBe(0);
    expect(lab.asked()).toHaveLength(1);
    expect(await lab.parked()).toEqual([]);
  });

  it("is refused to a script, which may only see what it would do", async () => {
    const lab = await waitingLab();
    const { code, written } = await callAtTerminal(lab, ["revoke", lab.id, "--sure", "--json"]);
    expect(code).toBe(1);
    expect(written).toMatch(/"code":\s*"ERR_CONFIRMATION_NEEDED"/);
    expect(written).toContain("A script may not revoke a login.");
    expect((await callAtTerminal(lab, ["revoke", lab.id, "--json"])).code).toBe(0);
    expect(lab.asked()).toEqual([]);
    expect(await lab.parked()).toHaveLength(1);
  });

  it("ends with 1 and keeps the login where the server refuses", async () => {
    const lab = await waitingLab();
    lab.issuer.revokeFaults.next({ kind: "error", shape: "nested", code: "access_denied", status: 403 });
    const { code, written } = await callAtTerminal(lab, ["revoke", lab.id, "--sure"]);
    expect(code).toBe(1);
    expect(written).toContain("access_denied, HTTP 403");
    expect(await lab.parked()).toHaveLength(1);
  });

  it.each([["$CODEX_HOME"], ["~/.codex"]])("is refused while the file in %s holds the same login", async (where) => {
    const lab = await waitingLab();
    const home = `${lab.home}/codex-home`;
    const parts =
      where === "~/.codex" ? lab.parts : { ...lab.parts, environment: { ...lab.parts.environment, codexHome: home } };
    const access = lab.tokens.access.expose();
    const login = { access, refresh: lab.token, id: access, accountId: "acct-grace", expiresAtMs: 0 };
    lab.put(codexDocument(login), where === "~/.codex" ? lab.path : `${home}/auth.json`);
    const { code, written } = await callAtTerminal({ ...lab, parts }, ["revoke", lab.id, "--sure"]);
    expect(code).toBe(1);
    expect(written).toContain("the Codex CLI's login file");
    expect(lab.asked()).toEqual([]);
    expect(await lab.parked()).toHaveLength(1);
  });

  it("is refused while a profile holds the same login, and the store stays as it is", async () => {
    const lab = await waitingLab();
    const login = { access: lab.tokens.access.expose(), refresh: lab.token, id: "", accountId: "acct-grace" };
    lab.storeLogin("grace", { ...login, expiresAtMs: entryOf(lab.tokens).expires });
    const store = readFileSync(lab.world.storePath, "utf8");
    const { code, written } = await callAtTerminal(lab, ["revoke", lab.id, "--sure"]);
    expect(code).toBe(1);
    expect(written).toContain("the profile grace of agent main");
    expect(readFileSync(lab.world.storePath, "utf8")).toBe(store);
    expect(lab.asked()).toEqual([]);
  });
});

describe("export of a login that may be revoked", () => {
  it("says so before it asks", async () => {
    const lab = await waitingLab();
    await lab.parts.engine.parked.update(lab.id, { revokingAt: Date.now() });
    const { written } = await callAtTerminal(lab, ["export", lab.id], { agrees: false });
    expect(written).toContain("it may be no good any more");
    expect(lab.text()).toBeUndefined();
  });
});
