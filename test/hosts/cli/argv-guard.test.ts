// What a person may have put on a command line by mistake, as processes see it.

import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { PendingLogins } from "../../../src/oauth/pending.ts";
import { openClawHome } from "./cli-lab.ts";

const OWNER = { person: "cli:1", chat: "cli:cli" };

async function machine() {
  const home = await openClawHome();
  const issuer = { origin: "https://auth.openai.com", isSandbox: false };
  const pending = new PendingLogins({ folder: home.world.paths.pending, issuer, now: Date.now, randomBytes });
  const login = await pending.start({
    ...OWNER,
    host: "cli",
    agentId: "main",
    profileId: "openai-codex:work",
    forceSignIn: true,
  });
  const state = new URL(login.authorizeUrl).searchParams.get("state") ?? "";
  return { ...home, pending, state, tail: `code=ac_made-up&state=${state}` };
}

const ADDRESS = "http://localhost:1455/auth/callback?";

describe("a callback on the command line", () => {
  it.each<[string, (tail: string) => readonly string[]]>([
    ["an address", (tail) => ["finish", "work", `${ADDRESS}${tail}`]],
    ["code and state without an address", (tail) => ["finish", "work", tail]],
    ["state and code as two words", (tail) => ["finish", "work", ...tail.split("&").toReversed()]],
    ["behind an option", (tail) => ["finish", `--profile=${tail}`]],
    ["percent-encoded", (tail) => ["finish", "work", encodeURIComponent(`${ADDRESS}${tail}`)]],
    ["percent-encoded, without its address", (tail) => ["status", encodeURIComponent(tail)]],
    [
      "broken into words by a paste without quotes",
      (tail) => ["finish", `${ADDRESS}${tail.slice(0, 40)}`, tail.slice(40)],
    ],
    ["broken over lines in one word", (tail) => ["finish", `${ADDRESS}${tail.slice(0, 40)}\n${tail.slice(40)}`]],
  ])("is refused and its sign-in burnt: %s", async (_what, argsFor) => {
    const { call, pending, tail, state } = await machine();
    const { code, stdout, stderr } = await call([...argsFor(tail), "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "ERR_CALLBACK_ON_ARGV", message: expect.stringContaining("is burnt") },
    });
    expect(stdout + stderr).not.toContain(state.slice(0, 12));
    expect(stdout + stderr).not.toContain("made-up");
    expect(await pending.find(OWNER)).toEqual([]);
  });

  it("that the shell cut before its state is refused too, and nothing is claimed to be burnt", async () => {
    const { call, pending } = await machine();
    const { stdout } = await call(["finish", "work", `${ADDRESS}code=ac_made-up`, "--json"]);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; next: string } };
    expect(error.code).toBe("ERR_CALLBACK_ON_ARGV");
    expect(error.message).not.toContain("burnt");
    expect(error.next).toContain("codex-auth-skill cancel");
    expect(await pending.find(OWNER)).toHaveLength(1);
  });
});
