// The real Codex CLI 0.169 on login files: why an export needs an id token, and that it takes what we export.

import { readFileSync, renameSync } from "node:fs";
import { createServer } from "node:http";
import { dirname } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Secret } from "../../src/secrets/secret.ts";
import { codexDocument, codexFileLab, loginOf } from "../hosts/cli/codex-file-lab.ts";
import { callAtTerminal } from "../hosts/cli/terminal-call.ts";
import { linkOn, pick, ScriptedUi } from "../hosts/terminal/terminal-lab.ts";
import { installCodex, type CodexResult } from "./lab/codex-cli.ts";

describe("the Codex CLI", () => {
  let codex: CodexResult;

  beforeAll(async () => {
    codex = await installCodex();
  });

  test("takes a login with an id token, and refuses the whole file without a readable one", async ({ skip }) => {
    if (!codex.ok) return skip(codex.reason);
    const lab = await codexFileLab();
    const login = loginOf("grace");
    const home = dirname(lab.path);
    lab.put(codexDocument(login));
    expect(await codex.loginStatus(home)).toMatchObject({
      code: 0,
      text: expect.stringContaining("Logged in using ChatGPT") as string,
    });
    const { id_token: _id, ...tokens } = codexDocument(login).tokens;
    for (const id of [{}, { id_token: "" }, { id_token: "opaque" }]) {
      lab.put(codexDocument(login, { tokens: { ...tokens, ...id } }));
      const { code, text } = await codex.loginStatus(home);
      expect(code).not.toBe(0);
      expect(text).toContain("failed to deserialize CLI auth");
    }
  });

  test("is signed in by an exported login, and its own comes back by another export", async ({ skip }) => {
    if (!codex.ok) return skip(codex.reason);
    const lab = await codexFileLab();
    const [theirs, ours] = [loginOf("heidi"), loginOf("grace")];
    lab.put(codexDocument(theirs));
    const requestedBy = { host: "cli", chatId: "cli", personId: "1" };
    const { expiresAtMs } = ours;
    await lab.parts.engine.parked.put(
      { agentId: "main", profileId: "openai-codex:codex-cli", reason: "first-login", expiresAtMs, requestedBy },
      { access: Secret.of(ours.access), refresh: Secret.of(ours.refresh), id: Secret.of(ours.id), expiresAtMs },
    );
    for (const refresh of [ours.refresh, theirs.refresh]) {
      const which = (await lab.parked())[0]?.id ?? "";
      expect((await callAtTerminal(lab, ["export", which])).code).toBe(0);
      expect(lab.refreshIn()).toBe(refresh);
      const before = readFileSync(lab.path, "utf8");
      expect((await codex.loginStatus(dirname(lab.path))).code).toBe(0);
      expect(readFileSync(lab.path, "utf8")).toBe(before);
    }
  });

  test("is signed in by an exported login that came from a sign-in at the sandbox's own server", async ({ skip }) => {
    if (!codex.ok) return skip(codex.reason);
    const lab = await codexFileLab();
    await lab.talk(
      new ScriptedUi([
        pick("Type a command"),
        () => "/codex_auth work",
        pick("Paste the address"),
        (screen) => lab.issuer.approve(linkOn(screen), "grace@example.com"),
        pick("Quit"),
      ]),
    );
    const [received] = await lab.parked();
    expect(received).toMatchObject({ email: "grace@example.com", reason: "first-login" });
    expect((await callAtTerminal(lab, ["export", received?.id ?? ""])).code).toBe(0);
    const before = readFileSync(lab.path, "utf8");
    expect(await codex.loginStatus(dirname(lab.path))).toMatchObject({
      code: 0,
      text: expect.stringContaining("Logged in using ChatGPT") as string,
    });
    expect(readFileSync(lab.path, "utf8")).toBe(before);
  });

  test("revokes the login in its file when it signs in over it, and nothing once the file was taken away: what import advises", async ({
    skip,
  }) => {
    if (!codex.ok) return skip(codex.reason);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      request.resume();
      // No device codes here: the CLI gives up after its first steps.
      response.writeHead(request.url === "/oauth/revoke" ? 200 : 404).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    onTestFinished(() => void server.close());
    const address = server.address();
    const issuer = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const lab = await codexFileLab();
    const usercode = "/api/accounts/deviceauth/usercode";
    lab.put(codexDocument(loginOf("grace")));
    await codex.beginLogin(dirname(lab.path), issuer);
    expect(asked.splice(0)).toEqual(["/oauth/revoke", usercode]);
    lab.put(codexDocument(loginOf("grace")));
    renameSync(lab.path, `${lab.path}.away`);
    await codex.beginLogin(dirname(lab.path), issuer);
    expect(asked).toEqual([usercode]);
  });
});
