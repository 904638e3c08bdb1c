import { mkdir, readFile, readdir, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { LeasedAuthFile } from "../../src/lease/auth-file.ts";
import type { LeaseMaterial } from "../../src/lease/broker.ts";
import type { CodexLogin } from "../../src/profiles/codex-home.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { NOW, authFileLab, cliDocument, materialOf, tokensOf, type PlainTokens } from "./auth-file-lab.ts";

const LEASED = { name: "alpha", signedInAtMs: NOW - 60_000 };

describe("writing the leased login", () => {
  it("writes the CLI's shape where there is no file, and a note without a secret", async () => {
    const lab = await authFileLab();
    const tokens = tokensOf(LEASED);
    expect(await lab.file.write("lease_1", materialOf(tokens))).toEqual({ outcome: "written", replacedRenewed: false });
    expect(await lab.document()).toEqual(cliDocument(tokens, "2026-11-21T02:26:01+00:00"));
    expect(await lab.note()).toEqual({
      schemaVersion: 1,
      leaseId: "lease_1",
      accountId: "acct-alpha",
      userId: "user-alpha",
      signedInAtMs: NOW - 60_000,
      refreshFingerprint: fingerprint(tokens.refresh),
      accessFingerprint: fingerprint(tokens.access),
      writtenAt: NOW,
      path: lab.path,
    });
    for (const path of [lab.path, lab.notePath]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(lab.notePath))).mode & 0o777).toBe(0o700);
    expect(await readdir(dirname(lab.notePath))).toEqual(["auth-file.json"]);
    expect(await lab.file.status()).toMatchObject({ kind: "ours", leaseId: "lease_1", renewed: false });
  });

  it("replaces its own login, of whatever lease and account", async () => {
    const lab = await authFileLab();
    await lab.file.write("lease_1", materialOf(tokensOf(LEASED)));
    const next = tokensOf({ name: "bravo" });
    expect(await lab.file.write("lease_2", materialOf(next))).toEqual({ outcome: "written", replacedRenewed: false });
    expect(await lab.refresh()).toBe(next.refresh);
    expect(await lab.note()).toMatchObject({ leaseId: "lease_2", accountId: "acct-bravo" });
  });

  it("does not touch the file where it holds these tokens already", async () => {
    const lab = await authFileLab();
    const material = materialOf(tokensOf(LEASED));
    await lab.file.write("lease_1", material);
    const { ino, mtimeMs } = await stat(lab.path);
    expect(await lab.file.write("lease_2", material)).toEqual({ outcome: "unchanged", replacedRenewed: false });
    expect(await stat(lab.path)).toMatchObject({ ino, mtimeMs });
    expect(await lab.file.status()).toMatchObject({ kind: "ours", leaseId: "lease_2" });
  });

  it("keeps what the CLI renewed as long as the broker gives the spent tokens, and gives way to newer ones", async () => {
    const lab = await authFileLab();
    const first = tokensOf(LEASED);
    const renewed = tokensOf(LEASED);
    await lab.file.write("lease_1", materialOf(first));
    await lab.cli(cliDocument(renewed));
    expect(await lab.file.status()).toMatchObject({ kind: "ours", leaseId: "lease_1", renewed: true });
    for (const leaseId of ["lease_1", "lease_2"]) {
      expect(await lab.file.write(leaseId, materialOf(first))).toEqual({ outcome: "kept", replacedRenewed: false });
      expect(await lab.document()).toEqual(cliDocument(renewed));
    }
    const newer = tokensOf(LEASED);
    expect(await lab.file.write("lease_2", materialOf(newer))).toEqual({ outcome: "written", replacedRenewed: true });
    expect(await lab.refresh()).toBe(newer.refresh);
  });

  it("keeps a renewed access token whose refresh token stayed", async () => {
    const lab = await authFileLab();
    const first = tokensOf(LEASED);
    const renewed = { ...tokensOf(LEASED), refresh: first.refresh };
    await lab.file.write("lease_1", materialOf(first));
    await lab.cli(cliDocument(renewed));
    expect(await lab.file.write("lease_1", materialOf(first))).toMatchObject({ outcome: "kept" });
    expect(await lab.document()).toEqual(cliDocument(renewed));
    // The manager renewed too: its word counts, the refresh token is the same.
    const managers = { ...tokensOf(LEASED), refresh: first.refresh };
    expect(await lab.file.write("lease_1", materialOf(managers))).toEqual({
      outcome: "written",
      replacedRenewed: false,
    });
  });
});

describe("a login that is not ours", () => {
  const OTHERS: readonly (readonly [string, unknown])[] = [
    ["a person's login", cliDocument(tokensOf({ name: "ada" }))],
    ["another user's login in the leased workspace", cliDocument(tokensOf({ name: "ada", accountId: "acct-alpha" }))],
    ["the leased user's login in another workspace", cliDocument(tokensOf({ name: "alpha", accountId: "acct-own" }))],
    [
      "a file that says the leased account and holds another's tokens",
      { ...cliDocument({ ...tokensOf({ name: "ada" }), accountId: "acct-alpha" }) },
    ],
    ["the same person's own sign-in", cliDocument(tokensOf({ ...LEASED, signedInAtMs: NOW }))],
    ["an API key", { OPENAI_API_KEY: "key", tokens: null }],
    ["an empty login", {}],
  ];

  it.each(OTHERS)("is left where ours was before: %s", async (_what, document) => {
    const lab = await authFileLab();
    await lab.file.write("lease_1", materialOf(tokensOf(LEASED)));
    await lab.cli(document);
    const before = await readFile(lab.path);
    const newer = lab.file.write("lease_1", materialOf(tokensOf(LEASED)));
    await expect(newer).rejects.toMatchObject({
      code: "ERR_LEASE_FILE_TAKEN",
      next: expect.stringContaining("/lease"),
    });
    expect(await lab.file.remove()).toEqual({ outcome: "left", removedRenewed: false });
    expect(await lab.file.status()).toMatchObject({ kind: "other" });
    expect(await readFile(lab.path)).toEqual(before);
  });

  it("is left where we never wrote, though it is of the leased account", async () => {
    const lab = await authFileLab();
    const own = tokensOf(LEASED);
    await lab.cli(cliDocument(own));
    await expect(lab.file.write("lease_1", materialOf(tokensOf(LEASED)))).rejects.toMatchObject({
      code: "ERR_LEASE_FILE_TAKEN",
    });
    expect(await lab.file.remove()).toEqual({ outcome: "absent", removedRenewed: false });
    expect(await lab.document()).toEqual(cliDocument(own));
    expect(await readdir(dirname(lab.notePath))).toEqual([]);
  });

  it.each([
    ["signed out", async (path: string) => unlink(path)],
    [
      "signed in as somebody else",
      async (path: string) => writeFile(path, JSON.stringify(cliDocument(tokensOf({ name: "ada" })))),
    ],
  ])("is theirs, even of the leased person, once they were seen %s in between", async (_what, meanwhile) => {
    const lab = await authFileLab();
    const who = { name: "alpha" };
    const leased = tokensOf(who);
    await lab.file.write("lease_1", materialOf(leased));
    await meanwhile(lab.path);
    await lab.file.status();
    const own = tokensOf(who);
    await lab.cli(cliDocument(own));
    await expect(lab.file.write("lease_1", materialOf(tokensOf(who)))).rejects.toMatchObject({
      code: "ERR_LEASE_FILE_TAKEN",
    });
    expect((await lab.file.remove()).outcome).not.toBe("removed");
    expect(await lab.refresh()).toBe(own.refresh);
  });

  it("does not hide ours for good: brought back by an account switcher, exactly our tokens are ours again", async () => {
    const lab = await authFileLab();
    const leased = tokensOf(LEASED);
    await lab.file.write("lease_1", materialOf(leased));
    await lab.cli(cliDocument(tokensOf({ name: "ada" })));
    expect(await lab.file.status()).toMatchObject({ kind: "other" });
    await lab.cli(cliDocument(leased));
    expect(await lab.file.remove()).toEqual({ outcome: "removed", removedRenewed: false });
    expect(await readdir(dirname(lab.path))).toEqual([]);
  });
});

describe("material that the Codex CLI cannot use", () => {
  const CASES: readonly (readonly [string, Partial<LeaseMaterial>, string])[] = [
    ["no refresh token", { refreshToken: undefined }, "ERR_LEASE_NO_MATERIAL"],
    ["no id token", { idToken: undefined }, "ERR_LEASE_NO_MATERIAL"],
    ["no account", { accountId: undefined, accessToken: Secret.of("opaque") }, "ERR_LEASE_NO_MATERIAL"],
    ["another account than its token", { accountId: "acct-mallory" }, "ERR_LEASE_NO_MATERIAL"],
    ["an expired access token", { expiresAtMs: NOW }, "ERR_LEASE_MATERIAL_EXPIRED"],
  ];

  it.each(CASES)("is refused: %s", async (_what, changes, code) => {
    const lab = await authFileLab();
    const before = tokensOf(LEASED);
    await lab.file.write("lease_1", materialOf(before));
    const note = await lab.note();
    const material = materialOf(tokensOf(LEASED), changes);
    await expect(lab.file.write("lease_1", material)).rejects.toMatchObject({ code });
    await expect(lab.file.takeOver("lease_1", material, async () => undefined)).rejects.toMatchObject({ code });
    expect(await lab.refresh()).toBe(before.refresh);
    expect(await lab.note()).toEqual(note);
  });

  it.each([undefined, "yesterday", "2026-13-45T00:00:00Z", "2026-11-21"])(
    "gets the time of writing where the broker's last refresh is none: %s",
    async (lastRefresh) => {
      const lab = await authFileLab();
      const tokens = tokensOf(LEASED);
      await lab.file.write("lease_1", materialOf(tokens, { lastRefresh, accountId: undefined }));
      expect(await lab.document()).toEqual(cliDocument(tokens, new Date(NOW).toISOString()));
    },
  );
});

async function taken() {
  const lab = await authFileLab();
  const own = cliDocument(tokensOf({ name: "ada" }));
  await lab.cli(own);
  return { lab, own, leased: tokensOf(LEASED) };
}

describe("taking the place of a person's login over", () => {
  it("parks the login there, as a whole, before it is replaced", async () => {
    const { lab, own, leased } = await taken();
    const parked: CodexLogin[] = [];
    const result = await lab.file.takeOver("lease_1", materialOf(leased), async (login) => {
      expect(await lab.document()).toEqual(own);
      parked.push(login);
    });
    expect(result).toEqual({ outcome: "written", replacedRenewed: false });
    expect(parked.map(({ text }) => JSON.parse(text.expose()) as unknown)).toEqual([own]);
    expect(parked[0]?.whose).toMatchObject({ kind: "chatgpt", email: "ada@example.invalid" });
    expect(await lab.refresh()).toBe(leased.refresh);
    expect(await lab.file.remove()).toMatchObject({ outcome: "removed" });
  });

  it("changes nothing where the login could not be parked", async () => {
    const { lab, own, leased } = await taken();
    const full = Object.assign(new Error("full"), { code: "ENOSPC" });
    await expect(lab.file.takeOver("lease_1", materialOf(leased), () => Promise.reject(full))).rejects.toBe(full);
    expect(await lab.document()).toEqual(own);
    expect(await lab.file.status()).toMatchObject({ kind: "other" });
  });

  it("parks also what the CLI wrote while it was parking", async () => {
    const { lab, own, leased } = await taken();
    const renewed = cliDocument(tokensOf({ name: "ada" }));
    const parked: unknown[] = [];
    await lab.file.takeOver("lease_1", materialOf(leased), async ({ text }) => {
      parked.push(JSON.parse(text.expose()));
      if (parked.length === 1) await lab.cli(renewed);
    });
    expect(parked).toEqual([own, renewed]);
    expect(await lab.refresh()).toBe(leased.refresh);
  });

  it("gives up on a file that never rests, with everything it replaced nowhere", async () => {
    const { lab, leased } = await taken();
    let last: PlainTokens | undefined;
    const writing = lab.file.takeOver("lease_1", materialOf(leased), async () => {
      last = tokensOf({ name: "ada" });
      await lab.cli(cliDocument(last));
    });
    await expect(writing).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT", retryable: true });
    expect(await lab.refresh()).toBe(last?.refresh);
    expect(await lab.file.status()).toMatchObject({ kind: "other" });
  });

  it("parks nothing where the place is free or ours", async () => {
    const lab = await authFileLab();
    const park = (): Promise<void> => Promise.reject(new Error(`nothing to park in ${lab.path}`));
    await lab.file.takeOver("lease_1", materialOf(tokensOf(LEASED)), park);
    const next = tokensOf({ name: "bravo" });
    await lab.file.takeOver("lease_2", materialOf(next), park);
    expect(await lab.refresh()).toBe(next.refresh);
  });
});

describe("removing the leased login", () => {
  it("removes it, renewed or not, with its note, and says when only we had the renewed tokens", async () => {
    for (const renew of [false, true]) {
      const lab = await authFileLab();
      await lab.file.write("lease_1", materialOf(tokensOf(LEASED)));
      if (renew) await lab.cli(cliDocument(tokensOf(LEASED)));
      expect(await lab.file.remove()).toEqual({ outcome: "removed", removedRenewed: renew });
      expect([await readdir(dirname(lab.path)), await readdir(dirname(lab.notePath))]).toEqual([[], []]);
      expect(await lab.file.remove()).toEqual({ outcome: "absent", removedRenewed: false });
    }
  });

  it("clears away what a killed writer left, and nobody else's files", async () => {
    const lab = await authFileLab();
    await lab.file.write("lease_1", materialOf(tokensOf(LEASED)));
    const folder = dirname(lab.path);
    // No process has this pid: it is over the largest that Linux gives.
    const leftover = ".auth.json.99999999-0123456789ab.tmp";
    for (const name of [leftover, "config.toml", ".auth.json.tmp"]) await writeFile(join(folder, name), "");
    await lab.file.remove();
    expect((await readdir(folder)).toSorted()).toEqual([".auth.json.tmp", "config.toml"]);
  });
});

describe("files that are damaged", () => {
  it("are left: the login file and our note", async () => {
    const lab = await authFileLab();
    await mkdir(dirname(lab.path));
    for (const path of [lab.path, lab.notePath]) {
      await lab.file.write("lease_1", materialOf(tokensOf(LEASED)));
      const other = path === lab.path ? lab.notePath : lab.path;
      const kept = await readFile(other);
      await writeFile(path, "{ cut");
      const actions = [
        lab.file.write("lease_1", materialOf(tokensOf(LEASED))),
        lab.file.takeOver("lease_1", materialOf(tokensOf(LEASED)), async () => undefined),
        lab.file.remove(),
        lab.file.status(),
      ];
      for (const action of await Promise.allSettled(actions)) {
        expect(action).toMatchObject({ status: "rejected", reason: { code: "ERR_FILE_NOT_JSON" } });
      }
      expect(await readFile(path, "utf8")).toBe("{ cut");
      expect(await readFile(other)).toEqual(kept);
      await unlink(path);
      await unlink(other);
    }
  });
});

describe("a file that we never wrote", () => {
  it("is not read by a removal: what is damaged there stops no release", async () => {
    const lab = await authFileLab();
    await mkdir(dirname(lab.path));
    await writeFile(lab.path, "{ cut");
    expect(await lab.file.remove()).toEqual({ outcome: "absent", removedRenewed: false });
    expect(await readFile(lab.path, "utf8")).toBe("{ cut");
  });
});

/** A lab whose settings name another file since the first write. */
async function moved() {
  const lab = await authFileLab();
  const first = tokensOf(LEASED);
  await lab.file.write("lease_1", materialOf(first));
  const path = join(lab.root, "elsewhere", "auth.json");
  const file = new LeasedAuthFile({ path, folder: dirname(lab.notePath), now: () => NOW });
  const put = async (document: unknown) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(document));
  };
  const tokensThere = async () =>
    (JSON.parse(await readFile(path, "utf8")) as ReturnType<typeof cliDocument>)["tokens"];
  return { lab, first, path, file, put, tokensThere };
}

describe("a login file that is another one since", () => {
  it("is removed where it was written to, renewed or not, and what lies in the other one stays", async () => {
    for (const renew of [false, true]) {
      const { lab, path, file, put } = await moved();
      const own = cliDocument(tokensOf(LEASED));
      await put(own);
      if (renew) await lab.cli(cliDocument(tokensOf(LEASED)));
      expect(await file.status()).toMatchObject({ kind: "other" });
      expect(await file.remove()).toEqual({ outcome: "removed", removedRenewed: renew });
      expect([await readdir(dirname(lab.path)), await readdir(dirname(lab.notePath))]).toEqual([[], []]);
      expect(JSON.parse(await readFile(path, "utf8"))).toEqual(own);
      expect(await file.remove()).toMatchObject({ outcome: "absent" });
    }
  });

  it("is a person's where they have signed in over it: theirs stays, and ours goes to the new place", async () => {
    const { lab, file } = await moved();
    const own = cliDocument(tokensOf({ name: "ada" }));
    await lab.cli(own);
    expect(await file.remove()).toEqual({ outcome: "left", removedRenewed: false });
    expect(await file.write("lease_1", materialOf(tokensOf(LEASED)))).toMatchObject({ outcome: "written" });
    expect(await lab.document()).toEqual(own);
  });

  it("leaves the old place when it is written to the new one, and says what went with it", async () => {
    for (const renew of [false, true]) {
      const { lab, path, file, tokensThere } = await moved();
      if (renew) await lab.cli(cliDocument(tokensOf(LEASED)));
      const next = tokensOf(LEASED);
      const written = await file.write("lease_1", materialOf(next));
      expect(written).toEqual({ outcome: "written", replacedRenewed: renew });
      expect(await readdir(dirname(lab.path))).toEqual([]);
      expect(await tokensThere()).toMatchObject({ refresh_token: next.refresh });
      expect(await lab.note()).toMatchObject({ path, refreshFingerprint: fingerprint(next.refresh) });
      expect(await file.status()).toMatchObject({ kind: "ours" });
    }
  });

  it("stays in the old place where the new one is a person's, until they give it up", async () => {
    const { lab, first, file, put, tokensThere } = await moved();
    const own = cliDocument(tokensOf(LEASED));
    await put(own);
    const next = tokensOf(LEASED);
    await expect(file.write("lease_1", materialOf(next))).rejects.toMatchObject({ code: "ERR_LEASE_FILE_TAKEN" });
    expect(await lab.refresh()).toBe(first.refresh);
    const parked: unknown[] = [];
    await file.takeOver("lease_1", materialOf(next), async ({ text }) => {
      parked.push(JSON.parse(text.expose()));
    });
    expect(parked).toEqual([own]);
    expect(await tokensThere()).toMatchObject({ refresh_token: next.refresh });
    expect(await readdir(dirname(lab.path))).toEqual([]);
  });

  it("is the same one by another name: nothing is removed, and a renewed login stays", async () => {
    const { lab, first, path, file } = await moved();
    await mkdir(dirname(path));
    await symlink(lab.path, path);
    const renewed = tokensOf(LEASED);
    await lab.cli(cliDocument(renewed));
    expect(await file.write("lease_1", materialOf(first))).toEqual({ outcome: "kept", replacedRenewed: false });
    expect(await lab.refresh()).toBe(renewed.refresh);
  });

  it("gives renewed tokens of the old place to the broker, and remembers its word on them", async () => {
    const { lab, file } = await moved();
    const renewed = tokensOf(LEASED);
    await lab.cli(cliDocument(renewed));
    const found = await file.renewedTokens("lease_1");
    expect(found).toMatchObject({ kind: "renewed", refreshFingerprint: fingerprint(renewed.refresh) });
    await file.notePushed("lease_1", fingerprint(renewed.refresh), "client_updated_manager");
    expect(await file.remove()).toEqual({ outcome: "removed", removedRenewed: false });
  });

  it("is the one of the settings in a note of the version before, which names none", async () => {
    const { lab, file } = await moved();
    const { path: _path, ...older } = await lab.note();
    await writeFile(lab.notePath, JSON.stringify(older));
    expect(await lab.file.status()).toMatchObject({ kind: "ours", renewed: false });
    expect(await lab.note()).toEqual({ ...older, path: lab.path });
    await writeFile(lab.notePath, JSON.stringify(older));
    expect(await lab.file.remove()).toMatchObject({ outcome: "removed" });
    expect(await file.remove()).toMatchObject({ outcome: "absent" });
  });
});

describe("several at once", () => {
  it("take turns: the file and the note agree in the end", async () => {
    const lab = await authFileLab();
    const other = new LeasedAuthFile({ path: lab.path, folder: dirname(lab.notePath), now: () => NOW });
    const all = ["alpha", "bravo", "cyd", "dora"].map((name) => ({ name, tokens: tokensOf({ name }) }));
    await Promise.all(
      all.map(({ name, tokens }, index) =>
        (index % 2 === 0 ? lab.file : other).write(`lease_${name}`, materialOf(tokens)),
      ),
    );
    const refresh = await lab.refresh();
    const winner = all.find(({ tokens }) => tokens.refresh === refresh);
    expect(await lab.note()).toMatchObject({
      leaseId: `lease_${winner?.name}`,
      refreshFingerprint: fingerprint(String(refresh)),
    });
    expect(await lab.note()).not.toHaveProperty("change");
  });
});
