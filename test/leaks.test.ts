// One whole login, with an eye on every byte: nothing secret lies anywhere but where RISK.md says, in no spelling, at no moment.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { OWNER } from "./hosts/telegram/bot-lab.ts";
import { LoginLab } from "./hosts/telegram/login-lab.ts";
import { fakeAccessToken, fakeRefreshToken } from "./support/jwt.ts";
import { holdsSecret } from "./support/spellings.ts";
import { tree } from "./support/tree.ts";

/** The files below the state folder that hold `secret`. */
function holders(lab: LoginLab, secret: string): readonly string[] {
  const files = tree(dirname(lab.world.paths.root)).filter(({ isFolder }) => !isFolder);
  return files.filter(({ absolute }) => holdsSecret(readFileSync(absolute, "latin1"), secret)).map(({ path }) => path);
}

interface Canaries {
  readonly code: string;
  readonly state: string;
  readonly access: string;
  readonly refresh: string;
}

/** What the bot, its log and its terminal have shown so far; the sign-in link alone may carry the state. */
function expectSilent(lab: LoginLab, { state, ...secrets }: Canaries): void {
  for (const secret of [...Object.values(secrets), lab.telegram.token])
    expect(holdsSecret(lab.output, secret)).toBe(false);
  expect(holdsSecret([...lab.printed, ...lab.logged, lab.seen].join("\n"), state)).toBe(false);
  const named = tree(dirname(lab.world.paths.root)).map(({ path }) => path);
  for (const secret of [state, ...Object.values(secrets)]) expect(holdsSecret(named.join("\n"), secret)).toBe(false);
}

/** The one record in a folder of ours: a sign-in under way, or a login that is parked. */
function onDisk(lab: LoginLab, folder: "pending" | "parked") {
  const ours = tree(lab.world.paths.root);
  const file = ours.find(({ path, isFolder }) => !isFolder && dirname(path) === folder && path.endsWith(".json"));
  const text = readFileSync(file?.absolute ?? "", "utf8");
  return JSON.parse(text) as { verifier: string; tokens: { access: string; refresh: string } };
}

describe("a secret", () => {
  it("is found in each of its spellings, so that not finding it means something", () => {
    const [refresh, access] = [fakeRefreshToken(), fakeAccessToken({ expiresAtMs: 0, userId: "user-x" })];
    for (const secret of [refresh, access]) {
      for (const before of ["", "x", "xy"]) {
        const buried = Buffer.from(`${before}{"token":"${secret}"}`);
        for (const form of ["base64", "base64url", "hex", "utf8"] as const)
          expect(holdsSecret(`... ${buried.toString(form)} ...`, secret), form).toBe(true);
      }
      expect(holdsSecret(`cut: ${secret.slice(3)}`, secret)).toBe(true);
      expect(holdsSecret("nothing here", secret)).toBe(false);
    }
  });

  it("of a login lies only where it has to be at each moment, and after the end only in OpenClaw's store", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();
    lab.works = false;
    const address = await lab.signIn("carol");
    const { searchParams } = new URL(address);
    const { verifier } = onDisk(lab, "pending");
    const [code, state] = [searchParams.get("code") ?? "", searchParams.get("state") ?? ""];
    for (const secret of [verifier, state]) {
      expect(holders(lab, secret)).toEqual([expect.stringMatching(/^codex-auth\/pending\/[0-9a-f]{12}\.json$/)]);
    }

    owner.sends(address);
    const question = await lab.telegram.shows(OWNER, /Signed in as carol/);
    const { access, refresh } = onDisk(lab, "parked").tokens;
    const secrets: Canaries = { code, state, access, refresh };
    for (const spent of [code, state, verifier]) expect(holders(lab, spent)).toEqual([]);
    for (const token of [access, refresh])
      expect(holders(lab, token)).toEqual([expect.stringMatching(/^codex-auth\/parked\//)]);
    expectSilent(lab, secrets);

    await owner.presses(question.messageId, "Save and use first").answer;
    await expect.poll(() => lab.world.queue.open()).toHaveLength(1);
    await expect.poll(() => lab.world.parked.list()).toEqual([]);
    for (const token of [access, refresh])
      expect(holders(lab, token)).toEqual([expect.stringMatching(/^codex-auth\/queue\/secrets\//)]);
    expectSilent(lab, secrets);

    await lab.world.drain();
    await lab.telegram.shows(OWNER, /✅ carol is saved/);
    for (const token of [access, refresh])
      expect(holders(lab, token)).toEqual(["agents/main/agent/auth-profiles.json"]);
    for (const spent of [code, state, verifier, lab.telegram.token]) expect(holders(lab, spent)).toEqual([]);
    expectSilent(lab, secrets);
    expect(holdsSecret(lab.output, verifier)).toBe(false);
    // The key that signs buttons has never left its file.
    const key = readFileSync(`${lab.world.paths.chat}/button.key`, "utf8").trim();
    expect(holders(lab, key)).toEqual(["codex-auth/chat/button.key"]);
    expect(holdsSecret(lab.output, key)).toBe(false);
  });

  it("of a login that was thrown away is gone with it", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();
    owner.sends(await lab.signIn("carol"));
    await lab.telegram.shows(OWNER, /Signed in as carol/);
    const { access, refresh } = onDisk(lab, "parked").tokens;
    owner.sends("/codex_auth parked");
    await lab.telegram.shows(OWNER, /1\. .*carol/);
    owner.sends("/codex_auth discard 1");
    const asked = await lab.telegram.shows(OWNER, /Throw this login away/);
    for (const token of [access, refresh]) expect(holders(lab, token)).toHaveLength(1);
    await owner.presses(asked.messageId, "Throw it away").answer;
    await expect.poll(() => lab.world.parked.list()).toEqual([]);
    for (const token of [access, refresh]) expect(holders(lab, token)).toEqual([]);
    expect(holdsSecret(lab.output, refresh)).toBe(false);
  });
});
