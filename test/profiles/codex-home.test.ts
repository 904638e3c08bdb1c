import { lstat, mkdir, readFile, readdir, readlink, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  readCodexLogin,
  removeCodexLogin,
  writeCodexLogin,
  type WritableCodexTokens,
} from "../../src/profiles/codex-home.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { NOW, cliDocument, tokensOf, type PlainTokens } from "../lease/auth-file-lab.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const LAST_REFRESH = "2026-11-21T02:26:01+00:00";

function writable(tokens: PlainTokens): WritableCodexTokens {
  return {
    accessToken: Secret.of(tokens.access),
    refreshToken: Secret.of(tokens.refresh),
    idToken: Secret.of(tokens.id),
    accountId: tokens.accountId,
    lastRefresh: LAST_REFRESH,
  };
}

async function home(): Promise<{ readonly root: string; readonly folder: string; readonly path: string }> {
  const root = await temporaryFolder();
  const folder = join(root, ".codex");
  return { root, folder, path: join(folder, "auth.json") };
}

describe("reading the Codex CLI's login", () => {
  it("gives undefined where there is none", async () => {
    expect(await readCodexLogin((await home()).path)).toBeUndefined();
  });

  it("says whose it is by the claims, with fingerprints instead of tokens", async () => {
    const { folder, path } = await home();
    const tokens = tokensOf({ name: "ada", signedInAtMs: NOW - 5_000 });
    await mkdir(folder);
    await writeFile(path, JSON.stringify(cliDocument(tokens)));
    const login = await readCodexLogin(path);
    expect(login?.whose).toEqual({
      kind: "chatgpt",
      identity: { userId: "user-ada", accountId: "acct-ada" },
      accountId: "acct-ada",
      email: "ada@example.invalid",
      planType: undefined,
      expiresAtMs: tokens.expiresAtMs,
      signedInAtMs: NOW - 5_000,
      refreshFingerprint: fingerprint(tokens.refresh),
      accessFingerprint: fingerprint(tokens.access),
      hasMore: false,
    });
    expect(login?.tokens?.refreshToken.expose()).toBe(tokens.refresh);
    const printed = [JSON.stringify(login), inspect(login, { depth: 9 })].join("\n");
    for (const secret of [tokens.access, tokens.refresh, tokens.id]) expect(printed).not.toContain(secret);
  });

  it.each([
    ["an API key", { OPENAI_API_KEY: "key" }],
    ["a field that we do not know", { later: {} }],
    [
      "a field of the tokens that we do not know",
      { tokens: { ...(cliDocument(tokensOf({ name: "ada" }))["tokens"] as object), more: 1 } },
    ],
  ])("says that there is more than the tokens to keep: %s", async (_what, more) => {
    const { folder, path } = await home();
    await mkdir(folder);
    await writeFile(path, JSON.stringify({ ...cliDocument(tokensOf({ name: "ada" })), ...more }));
    expect((await readCodexLogin(path))?.whose).toMatchObject({ kind: "chatgpt", hasMore: true });
  });

  it.each([
    ["an API key", { OPENAI_API_KEY: "key", tokens: null }, "api-key"],
    ["a login without a refresh token", { tokens: { access_token: "access" } }, "other"],
    ["something newer than we know", { auth_mode: "agent", agent: { id: 1 } }, "other"],
    ["tokens of a wrong type", { tokens: { access_token: 5, refresh_token: ["r"] } }, "other"],
  ])("takes %s for a login that is not renewable, never for nothing", async (_what, document, kind) => {
    const { folder, path } = await home();
    await mkdir(folder);
    await writeFile(path, JSON.stringify(document));
    const login = await readCodexLogin(path);
    expect(login).toMatchObject({
      tokens: undefined,
      whose: { kind, identity: undefined, refreshFingerprint: undefined },
    });
    expect(JSON.parse(login?.text.expose() ?? "")).toEqual(document);
  });
});

describe("writing the Codex CLI's login", () => {
  it("writes exactly the CLI's shape, 0600 in a folder 0700", async () => {
    const { folder, path } = await home();
    const tokens = tokensOf({ name: "ada" });
    await writeCodexLogin(path, writable(tokens));
    expect(await readFile(path, "utf8")).toBe(`${JSON.stringify(cliDocument(tokens, LAST_REFRESH), null, 2)}\n`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toEqual(["auth.json"]);
  });

  it("keeps what it does not know of the same account, and nothing of another account", async () => {
    const { folder, path } = await home();
    const [before, after, other] = [tokensOf({ name: "ada" }), tokensOf({ name: "ada" }), tokensOf({ name: "bob" })];
    await mkdir(folder);
    const document = cliDocument(before);
    await writeFile(
      path,
      JSON.stringify({
        ...document,
        OPENAI_API_KEY: "key",
        later: { deep: [1] },
        tokens: { ...(document["tokens"] as object), more: 2 },
      }),
      { mode: 0o644 },
    );
    await writeCodexLogin(path, writable(after));
    const kept = cliDocument(after, LAST_REFRESH);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      ...kept,
      later: { deep: [1] },
      tokens: { ...(kept["tokens"] as object), more: 2 },
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeCodexLogin(path, writable(other));
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(cliDocument(other, LAST_REFRESH));
  });

  it.each([
    ["cut JSON", '{"tokens": {"refresh_tok', "ERR_FILE_NOT_JSON"],
    ["an empty file", "", "ERR_FILE_NOT_JSON"],
    ["a list", "[]", "ERR_FILE_SHAPE"],
    ["a large file", `{"a":"${"x".repeat(300 * 1024)}"}`, "ERR_FILE_TOO_LARGE"],
  ])("never replaces %s", async (_what, text, code) => {
    const { folder, path } = await home();
    await mkdir(folder);
    await writeFile(path, text);
    await expect(writeCodexLogin(path, writable(tokensOf({ name: "ada" })))).rejects.toMatchObject({ code });
    await expect(removeCodexLogin(path, "any")).rejects.toMatchObject({ code });
    expect(await readFile(path, "utf8")).toBe(text);
    expect(await readdir(folder)).toEqual(["auth.json"]);
  });

  it("writes nothing where the file is not what the caller decided to replace", async () => {
    const { folder, path } = await home();
    await mkdir(folder);
    const next = writable(tokensOf({ name: "bob" }));
    const [first, second] = [cliDocument(tokensOf({ name: "ada" })), cliDocument(tokensOf({ name: "ada" }))];
    await writeFile(path, JSON.stringify(first));
    const seen = await readCodexLogin(path);
    await writeFile(path, JSON.stringify(second));
    const conflict = { code: "ERR_STORE_CONFLICT", retryable: true };
    await expect(writeCodexLogin(path, next, { replaces: seen ?? "nothing" })).rejects.toMatchObject(conflict);
    await expect(writeCodexLogin(path, next, { replaces: "nothing" })).rejects.toMatchObject(conflict);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(second);
    await unlink(path);
    await expect(writeCodexLogin(path, next, { replaces: seen ?? "nothing" })).rejects.toMatchObject(conflict);
    expect(await readdir(folder)).toEqual([]);
  });

  it("keeps what the CLI has renewed at the last moment", async () => {
    const { folder, path } = await home();
    const renewed = cliDocument(tokensOf({ name: "ada" }));
    await writeCodexLogin(path, writable(tokensOf({ name: "ada" })));
    const writing = writeCodexLogin(path, writable(tokensOf({ name: "bob" })), {
      beforeRename: () => writeFile(path, JSON.stringify(renewed)),
    });
    await expect(writing).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(renewed);
    expect(await readdir(folder)).toEqual(["auth.json"]);
  });

  it("leaves the file where it is forbidden right before the rename", async () => {
    const { folder, path } = await home();
    const before = tokensOf({ name: "ada" });
    await writeCodexLogin(path, writable(before));
    const beforeRename = (): Promise<void> => Promise.reject(new Error(`lost ${path}`));
    await expect(writeCodexLogin(path, writable(tokensOf({ name: "bob" })), { beforeRename })).rejects.toThrow("lost");
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(cliDocument(before, LAST_REFRESH));
    expect(await readdir(folder)).toEqual(["auth.json"]);
  });
});

describe("a login file behind a link", () => {
  it("is replaced and removed where it really lies; the link stays, and works again", async () => {
    const { root, folder, path } = await home();
    const target = join(root, "elsewhere", "codex.json");
    await mkdir(join(root, "elsewhere"));
    await mkdir(folder);
    await symlink("../elsewhere/codex.json", path);
    // As for the CLI, a link to a file that is not there yet names the place of the new one.
    for (const name of ["ada", "bob"]) {
      const tokens = tokensOf({ name });
      await writeCodexLogin(path, writable(tokens));
      expect(JSON.parse(await readFile(target, "utf8"))).toEqual(cliDocument(tokens, LAST_REFRESH));
      expect((await lstat(path)).isSymbolicLink()).toBe(true);
    }
    const there = await readCodexLogin(path);
    expect(await removeCodexLogin(path, there?.whose.refreshFingerprint ?? "")).toBe("removed");
    expect(await readdir(join(root, "elsewhere"))).toEqual([]);
    expect(await readlink(path)).toBe("../elsewhere/codex.json");
    await writeCodexLogin(path, writable(tokensOf({ name: "cyd" })));
    expect(await readdir(join(root, "elsewhere"))).toEqual(["codex.json"]);
  });

  it("is not made in a folder that is not there: the disk may not be mounted", async () => {
    const { root, folder, path } = await home();
    await mkdir(folder);
    await symlink(join(root, "disk", "auth.json"), path);
    await expect(writeCodexLogin(path, writable(tokensOf({ name: "ada" })))).rejects.toMatchObject({
      code: "ERR_FILE_UNWRITABLE",
    });
    expect(await readdir(root)).toEqual([".codex"]);
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
  });
});

describe("removing the Codex CLI's login", () => {
  it("removes only the login with that refresh token", async () => {
    const { folder, path } = await home();
    const tokens = tokensOf({ name: "ada" });
    expect(await removeCodexLogin(path, fingerprint(tokens.refresh))).toBe("absent");
    await writeCodexLogin(path, writable(tokens));
    expect(await removeCodexLogin(path, fingerprint(tokensOf({ name: "ada" }).refresh))).toBe("other");
    expect(await readdir(folder)).toEqual(["auth.json"]);
    expect(await removeCodexLogin(path, fingerprint(tokens.refresh))).toBe("removed");
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes no file without a renewable login, whatever it is asked for", async () => {
    const { folder, path } = await home();
    await mkdir(folder);
    await writeFile(path, "{}");
    expect(await removeCodexLogin(path, fingerprint("any"))).toBe("other");
    expect(await readFile(path, "utf8")).toBe("{}");
  });
});
