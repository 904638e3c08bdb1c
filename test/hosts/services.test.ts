import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Asker } from "../../src/chat/conversation.ts";
import { ChatRouter } from "../../src/chat/router.ts";
import { loadConfig } from "../../src/config/config.ts";
import { readEnvironment } from "../../src/config/env.ts";
import {
  approversOf,
  buildChatServices,
  buildParts,
  mayAsk,
  mayStill,
  type ChatOptions,
  type Parts,
} from "../../src/hosts/services.ts";
import { CodexAuthError } from "../../src/errors.ts";
import type { GatewayLocation } from "../../src/gateway/gateway.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { accessToken, alice, bob, Recorder, type Account } from "../chat/chat-lab.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

const asker: Asker = { host: "terminal", botId: "t", personId: "me", chatId: "here", private: true, hasButtons: true };

/** A token endpoint on loopback that signs `account` in, or answers with `status`. */
async function issuer(account: Account, status = 200): Promise<{ origin: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void answer(request).then((body) => response.writeHead(status, { "content-type": "application/json" }).end(body));
  });
  const answer = async (request: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    bodies.push(Buffer.concat(chunks).toString());
    if (status !== 200) return JSON.stringify({ error: "invalid_grant" });
    return JSON.stringify({
      access_token: accessToken(account),
      refresh_token: `new-refresh-${account.user}`,
      expires_in: 864_000,
    });
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { origin: `http://127.0.0.1:${address.port}`, bodies };
}

interface House {
  readonly parts: Parts;
  readonly router: ChatRouter;
  readonly out: Recorder;
  readonly launches: string[];
  say(args: string): Promise<string>;
  text(text: string): Promise<string>;
}

async function house(settings: Record<string, string> = {}, options: ChatOptions = {}): Promise<House> {
  const home = await temporaryFolder();
  const environment = readEnvironment({ HOME: home, ...settings });
  const config = await loadConfig(join(home, "config.json"), environment);
  const launches: string[] = [];
  const parts = buildParts({
    environment,
    config,
    log: silentLog,
    launch: async ({ own }) => void launches.push(own.root),
  });
  await mkdir(dirname(parts.openClaw.configPath), { recursive: true });
  await writeFile(parts.openClaw.configPath, JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }));
  const router = new ChatRouter(await buildChatServices(parts, options));
  onTestFinished(() => router.close());
  const out = new Recorder();
  const handle = async (incoming: Parameters<ChatRouter["handle"]>[1]): Promise<string> => {
    await router.handle(asker, incoming, out);
    return out.last;
  };
  return {
    parts,
    router,
    out,
    launches,
    say: (args) => handle({ kind: "command", name: "codex_auth", args }),
    text: (text) => handle({ kind: "text", text }),
  };
}

/** The address the browser ends on for the sign-in page that the last card links to. */
function callbackOf(out: Recorder): string {
  const link = (out.lastReply.buttons ?? []).flat().find((button) => button.kind === "url");
  const page = new URL(link?.kind === "url" ? link.url : "");
  const redirect = new URL(page.searchParams.get("redirect_uri") ?? "");
  redirect.searchParams.set("code", "the-secret-code");
  redirect.searchParams.set("state", page.searchParams.get("state") ?? "");
  return redirect.href;
}

function expectNoSecret({ out }: House): void {
  const said = out.everything.replaceAll(/Open the sign-in page: \S+/g, "");
  expect(shownSecrets(said, /the-secret|new-refresh|code=\S/)).toEqual([]);
}

describe("the gateway of the composed chat", () => {
  it.each([
    ["running", { kind: "reloaded", durationMs: 7, warningCount: 1 }],
    ["stopped", { kind: "stopped" }],
    ["refused", undefined],
  ] as const)("is told to read its logins again, and what was seen is what is said: %s", async (kind, seen) => {
    const { parts } = await house();
    const instance = { pid: 1, startTime: 1, port: 1, stateDir: "/nowhere", configPath: "/nowhere" };
    const error = new CodexAuthError("ERR_GATEWAY_AUTH", { message: "Not ours.", next: "Look." });
    const reloaded: unknown[] = [];
    const gateway = {
      ...parts.gateway,
      locate: async () => ({ kind, instance, error }) as GatewayLocation,
      reload: async (told: unknown) => {
        reloaded.push(told);
        return { durationMs: 7, warningCount: 1 };
      },
    };
    const services = await buildChatServices({ ...parts, gateway });
    const answer = services.gateway.reload?.();
    if (seen === undefined) await expect(answer).rejects.toBe(error);
    else expect(await answer).toEqual(seen);
    expect(reloaded).toEqual(kind === "running" ? [instance] : []);
    expect(await services.pins?.("main")).toEqual([]);
    await writeFile(parts.openClaw.configPath, JSON.stringify({ session: { store: "here/chats.json" } }));
    expect(await services.pins?.("main")).toBeUndefined();
  });
});

describe("the composed chat", () => {
  it("signs in over the pinned issuer, parks the login, and makes a job that a worker is asked for", async () => {
    const server = await issuer(alice);
    const home = await house({ CODEX_AUTH_ISSUER: server.origin });
    await home.say("paste work");
    const address = callbackOf(home.out);
    await home.text(`here you are: ${address}`);
    expect(home.out.deletions).toBe(1);
    expect(home.out.last).toContain("Signed in as alice@example.com (plus)");
    expect(new URLSearchParams(server.bodies[0]).get("code")).toBe("the-secret-code");
    const [parked] = await home.parts.engine.parked.list();
    expect(parked).toMatchObject({ reason: "first-login", identity: { userId: "user-alice", accountId: "acc-alice" } });
    expect(home.launches).toEqual([]);
    await home.router.handle(
      asker,
      { kind: "press", data: home.out.button("use first").data, messageId: home.out.lastId },
      home.out,
    );
    expect(await home.parts.engine.queue.list()).toMatchObject([
      { profileId: "openai-codex:work", makeFirst: true, activation: "auto" },
    ]);
    expect(home.launches).toEqual([home.parts.own.root]);
    expectNoSecret(home);
  });

  it.each<[string, (address: string) => string, string]>([
    ["replayed", (address) => address, "already used"],
    ["foreign", () => "http://localhost:1455/auth/callback?code=the-secret-code&state=of-nobody", "another sign-in"],
    ["stateless", () => "http://localhost:1455/auth/callback?code=the-secret-code", "has no state"],
    ["denied", (address) => address.replace(/code=[^&]+/, "error=access_denied"), "declined on the sign-in page"],
    ["malformed", (address) => address.replace(":1455", ":1456"), "not the address this sign-in ends on"],
  ])("answers a %s address in words, exchanges nothing with it and keeps nothing", async (kind, change, words) => {
    const server = await issuer(alice);
    const home = await house({ CODEX_AUTH_ISSUER: server.origin });
    await home.say("paste work");
    const address = callbackOf(home.out);
    if (kind === "replayed") await home.text(address);
    const exchanges = server.bodies.length;
    const parked = (await home.parts.engine.parked.list()).length;
    if (kind === "replayed" || kind === "foreign") await home.say("other");
    await home.text(change(address));
    expect(home.out.last).toContain(words);
    expect(server.bodies).toHaveLength(exchanges);
    expect(await home.parts.engine.parked.list()).toHaveLength(parked);
    expect(home.out.deletions).toBe(kind === "replayed" ? 2 : 1);
    expectNoSecret(home);
  });

  it("refuses a bare code with the reason, removed like an address", async () => {
    const home = await house();
    await home.say("paste work");
    await home.say("finish work ac_the-secret-code");
    expect(home.out.deletions).toBe(1);
    expect(home.out.last).toContain("only a part of the callback address");
    expectNoSecret(home);
  });

  it("says what the issuer said, without what it said it about", async () => {
    const server = await issuer(bob, 400);
    const home = await house({ CODEX_AUTH_ISSUER: server.origin });
    await home.say("paste work");
    await home.text(callbackOf(home.out));
    expect(home.out.last).toContain("did not take the code");
    expect(await home.parts.engine.parked.list()).toEqual([]);
    expectNoSecret(home);
  });

  it("binds a sign-in to its person, chat and host: nobody else sees, finishes or cancels it", async () => {
    const server = await issuer(alice);
    const home = await house({ CODEX_AUTH_ISSUER: server.origin });
    await home.say("paste work");
    const address = callbackOf(home.out);
    const { signIns } = await buildChatServices(home.parts);
    const [attempt] = await signIns.waiting(asker);
    for (const other of [{ personId: "other" }, { chatId: "other" }, { host: "cli" as const }]) {
      const them: Asker = { ...asker, ...other };
      expect(await signIns.waiting(them)).toEqual([]);
      expect(await signIns.cancel(them, attempt?.id ?? "")).toBe(false);
      await expect(signIns.claim(them, address)).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
    }
    await home.text(address);
    expect(home.out.last).toContain("Signed in as alice@example.com");
  });

  it("says nothing of an interruption where no gateway runs", async () => {
    const home = await house();
    const { gateway } = await buildChatServices(home.parts);
    expect(await gateway.interruptedByRestart()).toEqual([]);
  });

  it("touches no file while it is built, and makes only the button key for a chat", async () => {
    const home = await temporaryFolder();
    const environment = readEnvironment({ HOME: home });
    const config = await loadConfig(join(home, "config.json"), environment);
    const parts = buildParts({ environment, config, log: silentLog, launch: () => Promise.resolve() });
    expect(await readdir(home)).toEqual([]);
    await buildChatServices(parts);
    expect(await readdir(parts.own.root)).toEqual(["chat"]);
  });

  it("refuses an issuer that is neither OpenAI's nor on this machine", async () => {
    await expect(house({ CODEX_AUTH_ISSUER: "https://issuer.example" })).rejects.toMatchObject({
      code: "ERR_ISSUER_FORBIDDEN",
    });
  });
});

async function partsOf(settings: Record<string, string>): Promise<Parts> {
  const home = await temporaryFolder();
  const environment = readEnvironment({ HOME: home, ...settings });
  const config = await loadConfig(join(home, "config.json"), environment);
  return buildParts({ environment, config, log: silentLog, launch: () => Promise.resolve() });
}

describe("who may", () => {
  it("is on the list in Telegram, and sits at this machine elsewhere; an empty list is nobody", async () => {
    const some = await partsOf({ CODEX_AUTH_ALLOW_FROM: "11 22" });
    expect(["11", "22", "1", "112"].map((personId) => mayAsk(some, { host: "telegram", personId }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(mayAsk(await partsOf({}), { host: "telegram", personId: "11" })).toBe(false);
    expect(mayAsk(some, { host: "terminal", personId: "anyone" })).toBe(true);
    expect(mayAsk(some, { host: "openclaw", personId: "11" })).toBe(false);
  });

  it("is asked of the settings file each time, also for those who are asked what a script wants", async () => {
    const parts = await partsOf({ CODEX_AUTH_BOT_TOKEN: "1:made-up" });
    const services = await buildChatServices(parts, { unattended: true });
    const telegram = { ...asker, host: "telegram", personId: "11" } as const;
    const allow = (...ids: readonly number[]): Promise<void> =>
      writeFile(parts.own.config, JSON.stringify({ telegram: { allowFrom: ids } }), { mode: 0o600 });
    expect(services.allow(telegram)).toBe(false);
    await allow(11, 22);
    expect([services.allow(telegram), mayStill(parts, telegram)]).toEqual([true, true]);
    expect(approversOf(parts).map(({ personId }) => personId)).toEqual(["11", "22"]);
    await allow(22);
    expect([services.allow(telegram), mayStill(parts, telegram)]).toEqual([false, false]);
    expect(approversOf(parts).map(({ personId }) => personId)).toEqual(["22"]);
    expect(services.allow(asker)).toBe(true);
  });

  it("must allow what a script asks for, unless the config file lets it", async () => {
    const settings = { CODEX_AUTH_ALLOW_FROM: "11 22", CODEX_AUTH_BOT_TOKEN: "1:made-up" };
    const scripted = await house(settings, { unattended: true });
    const { approvers } = await buildChatServices(scripted.parts, { unattended: true });
    expect(approvers).toEqual(["11", "22"].map((id) => ({ host: "telegram", chatId: id, personId: id })));
    expect((await buildChatServices(scripted.parts)).approvers).toBeUndefined();
    const noBot = await house({ CODEX_AUTH_ALLOW_FROM: "11" });
    expect((await buildChatServices(noBot.parts, { unattended: true })).approvers).toEqual([]);
    const allowed = { ...noBot.parts, config: { ...noBot.parts.config, allowUnattended: true } };
    expect((await buildChatServices(allowed, { unattended: true })).approvers).toBeUndefined();
  });
});
