// `export`: a login for the Codex CLI's file, at a terminal over a real store.

import { lstatSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ParkedLogin } from "../../../src/apply/parked.ts";
import { startSandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { renewParked } from "../../../src/apply/renew-parked.ts";
import { Rotations } from "../../../src/apply/rotations.ts";
import { tokenPlacesOf } from "../../../src/hosts/chat-services.ts";
import { renewalOf } from "../../../src/hosts/renewal.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { signIn } from "../../support/renewal-world.ts";
import { pick } from "../terminal/terminal-lab.ts";
import { openClawHome } from "./cli-lab.ts";
import { codexDocument, codexFileLab, loginOf, type PlainLogin } from "./codex-file-lab.ts";
import { callAtTerminal } from "./terminal-call.ts";

type Lab = Awaited<ReturnType<typeof codexFileLab>>;
const DAY = 86_400_000;

/** A login that was received for `profile` and waits. */
async function waits(lab: Lab, name: string, profile: string, login: PlainLogin, hasId = true): Promise<ParkedLogin> {
  return lab.parts.engine.parked.put(
    {
      agentId: "main",
      profileId: `openai-codex:${profile}`,
      reason: "first-login",
      email: `${name}@example.com`,
      identity: { userId: `user-${name}`, accountId: `account-${name}` },
      expiresAtMs: login.expiresAtMs,
      requestedBy: { host: "cli", chatId: "cli", personId: "1" },
    },
    {
      access: Secret.of(login.access),
      refresh: Secret.of(login.refresh),
      ...(hasId ? { id: Secret.of(login.id) } : {}),
      expiresAtMs: login.expiresAtMs,
    },
  );
}

describe("export of a waiting login", () => {
  it("writes exactly the CLI's shape, 0600, and it waits no more: one owner", async () => {
    const lab = await codexFileLab();
    const login = loginOf("grace");
    await waits(lab, "grace", "codex-cli", login);
    const store = lab.store();
    const { code, written, asked } = await callAtTerminal(lab, ["export", "codex-cli"]);
    expect([code, asked]).toEqual([0, 1]);
    expect(written).toContain("grace@example.com");
    expect(written).not.toContain("two owners");
    for (const secret of [login.access, login.refresh, login.id]) expect(written).not.toContain(secret);
    expect(JSON.parse(lab.text() ?? "")).toEqual({
      auth_mode: "chatgpt",
      OPENAI_API_KEY: null,
      tokens: {
        id_token: login.id,
        access_token: login.access,
        refresh_token: login.refresh,
        account_id: "account-grace",
      },
      last_refresh: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    });
    expect(statSync(lab.path).mode & 0o777).toBe(0o600);
    expect(await lab.parked()).toEqual([]);
    expect(lab.store()).toBe(store);
  });

  it("follows a link, and goes where `--to` says", async () => {
    const lab = await codexFileLab();
    const login = loginOf("grace");
    const { id } = await waits(lab, "grace", "codex-cli", login);
    const [target, link] = [join(lab.home, "elsewhere.json"), join(lab.home, "link.json")];
    symlinkSync(target, link);
    const { code } = await callAtTerminal(lab, ["export", id, "--to", link]);
    expect(code).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect([lab.refreshIn(target), lab.text()]).toEqual([login.refresh, undefined]);
  });

  it("keeps somebody else's login that lies there, and says so before", async () => {
    const lab = await codexFileLab();
    const [theirs, ours] = [loginOf("heidi"), loginOf("grace")];
    lab.put(codexDocument(theirs));
    await waits(lab, "grace", "codex-cli", ours);
    const before = lab.text();
    const no = await callAtTerminal(lab, ["export", "codex-cli"], { agrees: false });
    expect(no.code).toBe(1);
    expect(no.written).toContain("heidi@example.com");
    expect([lab.text(), (await lab.parked()).length]).toEqual([before, 1]);
    const yes = await callAtTerminal(lab, ["export", "codex-cli"]);
    expect(yes.code).toBe(0);
    expect(lab.refreshIn()).toBe(ours.refresh);
    const [kept, ...others] = await lab.parked();
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ reason: "put-aside", email: "heidi@example.com" });
    const tokens = await lab.parts.engine.parked.tokens(kept?.id ?? "");
    expect([tokens?.refresh.expose(), tokens?.id?.expose()]).toEqual([theirs.refresh, theirs.id]);
    // And back again: what was put aside still has all that the CLI needs.
    expect((await callAtTerminal(lab, ["export", kept?.id ?? ""])).code).toBe(0);
    expect(lab.refreshIn()).toBe(theirs.refresh);
  });

  it("ends what a kill left: the file has it, and the waiting copy goes without a question", async () => {
    const lab = await codexFileLab();
    const login = loginOf("grace");
    await waits(lab, "grace", "codex-cli", login);
    lab.put(codexDocument(login));
    const before = lab.text();
    const { code, asked } = await callAtTerminal(lab, ["export", "codex-cli"]);
    expect([code, asked, lab.text()]).toEqual([0, 0, before]);
    expect(await lab.parked()).toEqual([]);
  });

  it("is not the profile's where it is another account's, unless it is named by its id", async () => {
    const lab = await codexFileLab();
    const { id } = await waits(lab, "grace", "alice", loginOf("grace"));
    const { written } = await callAtTerminal(lab, ["export", "alice"]);
    expect(written).toContain("id token");
    expect(lab.text()).toBeUndefined();
    expect((await callAtTerminal(lab, ["export", id])).code).toBe(0);
  });
});

describe("export of a profile", () => {
  it("is refused where nobody has an id token, with the way to a login for the CLI alone", async () => {
    const lab = await codexFileLab();
    const { code, written, asked } = await callAtTerminal(lab, ["export", "alice"]);
    expect([code, asked]).toEqual([1, 0]);
    expect(written).toContain("codex-auth-skill start codex-cli");
    expect(lab.text()).toBeUndefined();
  });

  it("brings the CLI's file up to date with the same account's renewed login, and warns of two owners", async () => {
    const lab = await codexFileLab();
    const [old, renewed] = [loginOf("alice", Date.now() + DAY), loginOf("alice", Date.now() + 9 * DAY)];
    lab.put(codexDocument(old));
    lab.storeLogin("alice", renewed);
    const { code, written } = await callAtTerminal(lab, ["export", "alice"]);
    expect(code).toBe(0);
    expect(written).toContain("two owners");
    expect(JSON.parse(lab.text() ?? "")).toMatchObject({
      tokens: { id_token: old.id, access_token: renewed.access, refresh_token: renewed.refresh },
    });
    // The spent one is nobody's to present again.
    expect(await lab.parked()).toEqual([]);
  });

  it("writes nothing where the gateway has renewed the login while the question stood there", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("alice", Date.now() + DAY)));
    lab.storeLogin("alice", loginOf("alice", Date.now() + 8 * DAY));
    const [before, renewed] = [lab.text(), loginOf("alice", Date.now() + 9 * DAY)];
    const meanwhile = (): void => lab.storeLogin("alice", renewed);
    const { code, written, asked } = await callAtTerminal(lab, ["export", "alice"], { meanwhile });
    expect([code, asked]).toEqual([1, 1]);
    expect(written).toContain("It was renewed or replaced while you were asked.");
    expect(lab.text()).toBe(before);
    expect(await lab.parked()).toEqual([]);
  });

  it("leaves a login of the same account alone that is as good", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("alice", Date.now() + 9 * DAY)));
    lab.storeLogin("alice", loginOf("alice", Date.now() + DAY));
    const before = lab.text();
    const { code, asked } = await callAtTerminal(lab, ["export", "alice"]);
    expect([code, asked, lab.text()]).toEqual([1, 0, before]);
  });

  it("does not lose an API key beside a login, also not of the same account", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("alice", Date.now() + DAY), { OPENAI_API_KEY: "kept" }));
    lab.storeLogin("alice", loginOf("alice", Date.now() + 9 * DAY));
    const before = lab.text();
    const { code, asked, written } = await callAtTerminal(lab, ["export", "alice"]);
    expect([code, asked, lab.text()]).toEqual([1, 0, before]);
    expect(written).toContain("could not be kept");
  });

  it("lends no id token from another account's login", async () => {
    const lab = await codexFileLab();
    lab.put(codexDocument(loginOf("heidi")));
    const before = lab.text();
    const { code } = await callAtTerminal(lab, ["export", "alice"]);
    expect([code, lab.text()]).toEqual([1, before]);
    expect(await lab.parked()).toEqual([]);
  });
});

describe("export as a process without a terminal", () => {
  it("is refused with a code for each, and changes nothing", async () => {
    const { home, world, call } = await openClawHome();
    const path = join(home, ".codex", "auth.json");
    const lab = await codexFileLab();
    const codeOf = async (...args: readonly string[]): Promise<string | undefined> =>
      (await call(["export", ...args, "--json"])).json().error?.code;
    const login = loginOf("grace");
    const requestedBy = { host: "cli", chatId: "cli", personId: "1" };
    const tokens = {
      access: Secret.of(login.access),
      refresh: Secret.of(login.refresh),
      expiresAtMs: login.expiresAtMs,
    };
    const one = { agentId: "main", reason: "first-login" as const, expiresAtMs: login.expiresAtMs, requestedBy };
    await world.parked.put({ ...one, profileId: "openai-codex:work" }, { ...tokens, id: Secret.of(login.id) });
    await world.parked.put({ ...one, profileId: "openai-codex:without" }, tokens);
    expect(await codeOf()).toBe("ERR_USAGE");
    expect(await codeOf("--profile", "alice")).toBe("ERR_EXPORT_NO_ID_TOKEN");
    expect(await codeOf("without")).toBe("ERR_EXPORT_NO_ID_TOKEN");
    expect(await codeOf("nobody")).toBe("ERR_PROFILE_UNKNOWN");
    expect(await codeOf("p-0123456789abcdef")).toBe("ERR_PARKED_UNKNOWN");
    expect(await codeOf("work")).toBe("ERR_CONFIRMATION_NEEDED");
    expect(lab.text(path)).toBeUndefined();
    lab.put("{ damaged", path);
    expect(await codeOf("work")).toBe("ERR_FILE_NOT_JSON");
    expect(readFileSync(path, "utf8")).toBe("{ damaged");
    expect(await world.parked.list()).toHaveLength(2);
  });

  it("does not take the place of an API key, whoever agrees", async () => {
    const lab = await codexFileLab();
    await waits(lab, "grace", "codex-cli", loginOf("grace"));
    lab.put({ auth_mode: "apikey", OPENAI_API_KEY: "k" });
    const before = lab.text();
    const { code, asked } = await callAtTerminal(lab, ["export", "codex-cli"]);
    expect([code, asked, lab.text()]).toEqual([1, 0, before]);
    expect(await lab.parked()).toHaveLength(1);
  });
});

describe("a login that was imported", () => {
  it("is saved like any received one, and `doctor` warns of its two owners from then on", async () => {
    const lab = await codexFileLab();
    const login = loginOf("grace");
    lab.put(codexDocument(login));
    const { environment, engine } = lab.parts;
    expect((await callAtTerminal(lab, ["doctor"])).written).not.toContain("owners:");
    await callAtTerminal(lab, ["import", "work"], { steps: [pick("Decide later")] });
    const [parked] = await lab.parked();
    await engine.queue.enqueueLogin({
      parkedId: parked?.id ?? "",
      agentId: "main",
      profileId: parked?.profileId ?? "",
      makeFirst: false,
      activation: "none",
      requestedBy: { host: "cli", chatId: "cli", personId: String(environment.uid) },
    });
    await executeOpenJobs(lab.parts, "foreground");
    expect(lab.world.readStore().profiles["openai-codex:work"]).toMatchObject({ refresh: login.refresh });
    const { written } = await callAtTerminal(lab, ["doctor"]);
    expect(written).toMatch(
      /! owners: one login lies in 2 places \(main: openai-codex:work, codex-cli: .*auth\.json\)/,
    );
    expect(written).not.toMatch(/codex logout/);
    lab.put("{ damaged");
    expect((await callAtTerminal(lab, ["doctor"])).written).toMatch(/! owners: .*auth\.json/);
  });
});

/** A machine whose sign-in server is the sandbox, and a waiting login that it gave. */
async function renewable(hasId: boolean, expiresInMs: number) {
  const sandbox = await startSandboxIssuer();
  onTestFinished(() => sandbox.close());
  const lab = await codexFileLab({ CODEX_AUTH_ISSUER: sandbox.origin });
  const login = await signIn(sandbox);
  const { id } = await lab.parts.engine.parked.put(
    {
      agentId: "main",
      profileId: "openai-codex:codex-cli",
      reason: "removed",
      identity: login.identity,
      expiresAtMs: Date.now() + expiresInMs,
      requestedBy: { host: "cli", chatId: "cli", personId: "1" },
    },
    {
      access: login.access,
      refresh: login.refresh,
      ...(hasId && login.id !== undefined ? { id: login.id } : {}),
      expiresAtMs: Date.now() + expiresInMs,
    },
  );
  return { lab, sandbox, login, id };
}

describe("export of a login that the Codex CLI could not begin with", () => {
  it.each([
    ["that came without an id token", false, DAY],
    ["that has run out", true, -DAY],
  ])("renews one %s first, after a yes, and hands over what came", async (_title, hasId, expiresInMs) => {
    const { lab, sandbox, login } = await renewable(hasId, expiresInMs);
    const { code, asked, written } = await callAtTerminal(lab, ["export", "codex-cli"]);
    expect([code, asked]).toEqual([0, 2]);
    const refresh = String(lab.refreshIn());
    expect([sandbox.standing(refresh), sandbox.standing(login.refresh.expose())]).toEqual(["live", "consumed"]);
    expect(await lab.parked()).toEqual([]);
    for (const secret of [refresh, login.refresh.expose()]) expect(written).not.toContain(secret);
  });

  it("leaves all as it was after a no, and presents nothing for a script", async () => {
    const { lab, sandbox, login, id } = await renewable(false, DAY);
    expect((await callAtTerminal(lab, ["export", "codex-cli"], { agrees: false })).code).toBe(1);
    expect([sandbox.presentations(), lab.text()]).toEqual([[], undefined]);
    expect((await lab.parts.engine.parked.tokens(id))?.refresh.expose()).toBe(login.refresh.expose());
  });

  it("keeps what came in the waiting login where the file cannot be written, and never asks twice with one token", async () => {
    const { lab, sandbox, id } = await renewable(false, DAY);
    lab.put({ auth_mode: "apikey", OPENAI_API_KEY: "k" });
    expect((await callAtTerminal(lab, ["export", "codex-cli"])).code).toBe(1);
    const kept = await lab.parts.engine.parked.tokens(id);
    expect(sandbox.standing(kept?.refresh.expose() ?? "")).toBe("live");
    expect(kept?.id).toBeDefined();
    expect(sandbox.presentations()).toHaveLength(1);
  });

  it("is not renewed again where no answer came the first time", async () => {
    const { lab, sandbox, login, id } = await renewable(false, DAY);
    sandbox.faults.next({ kind: "drop-after-process" });
    for (const times of [1, 2]) {
      const { code, written } = await callAtTerminal(lab, ["export", "codex-cli"]);
      expect([code, times]).toEqual([1, times]);
      expect(written).toContain("not presented again");
    }
    expect(sandbox.presentations()).toHaveLength(1);
    expect((await lab.parts.engine.parked.tokens(id))?.refresh.expose()).toBe(login.refresh.expose());
  });

  it("keeps another account's login beside the waiting one", async () => {
    const { lab, sandbox, login, id } = await renewable(false, DAY);
    sandbox.faults.next({ kind: "other-account", account: sandbox.accounts[0] ?? expect.fail() });
    expect((await callAtTerminal(lab, ["export", "codex-cli"])).code).toBe(1);
    expect(lab.text()).toBeUndefined();
    const waiting = await lab.parked();
    expect(waiting).toMatchObject([{ id }, { reason: "other-identity", identity: { userId: "user-ada" } }]);
    // What waited is used up all the same, and nobody takes it for good.
    const rotations = new Rotations({ folder: lab.parts.own.rotations, now: Date.now });
    expect(await rotations.get(fingerprint(login.refresh))).toMatchObject({ phase: "spent" });
    expect((await lab.parts.engine.parked.tokens(id))?.refresh.expose()).toBe(login.refresh.expose());
  });

  it("is not renewed where somebody takes it over in the last moment", async () => {
    const { lab, sandbox, id } = await renewable(false, DAY);
    const waiting = (await lab.parts.engine.parked.get(id)) ?? expect.fail();
    const { places, renewal } = { places: tokenPlacesOf(lab.parts), renewal: renewalOf(lab.parts) };
    const { agentId, profileId, requestedBy } = waiting;
    const { renew } = renewal;
    const racing = {
      ...renewal,
      // A connection stands, and the person's press in the chat is quicker than the first byte.
      renew: (...[token, beforeSend]: Parameters<typeof renew>) =>
        renew(token, async () => {
          const request = {
            parkedId: id,
            agentId,
            profileId,
            makeFirst: false,
            activation: "auto",
            requestedBy,
          } as const;
          await lab.parts.engine.queue.enqueueLogin(request);
          await beforeSend();
        }),
    };
    const renewing = renewParked(id, { places, renewal: racing, folder: lab.parts.own.parked, now: Date.now });
    await expect(renewing).rejects.toMatchObject({ code: "ERR_TOKEN_SHARED" });
    expect(sandbox.presentations()).toEqual([]);
  });

  it("is not renewed where the profile of a store still holds it", async () => {
    const { lab, sandbox, login } = await renewable(false, DAY);
    lab.storeLogin("grace", {
      access: login.access.expose(),
      refresh: login.refresh.expose(),
      id: "",
      accountId: "a",
      expiresAtMs: 1,
    });
    const { code, written } = await callAtTerminal(lab, ["export", "codex-cli"]);
    expect(code).toBe(1);
    expect(written).toContain("second place");
    expect(sandbox.presentations()).toEqual([]);
  });
});
