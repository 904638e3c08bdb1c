// Plain messages of ours: answered after the hook, lost by nothing that may happen to the chat or the gateway meanwhile.

import { EventEmitter, once } from "node:events";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { localServer } from "../../support/local-server.ts";
import { loginLab } from "./login-lab.ts";
import { parkedFor } from "./parked-lab.ts";
import { OWNER, pluginLab, type PluginLab } from "./plugin-lab.ts";

const VERSION = "2026.9.6";

/** A sign-in server that gives no code before `release`. */
async function slowIssuer() {
  const signs = new EventEmitter();
  const [asked, released] = [once(signs, "asked"), once(signs, "released")];
  const origin = await localServer((request, response) => {
    request.resume();
    if (request.url?.endsWith("usercode") !== true) {
      response.writeHead(403).end("{}");
      return;
    }
    signs.emit("asked");
    const grant = { device_auth_id: "deviceauth_1", user_code: "ABCD-12345", interval: "5" };
    void released.then(() =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(grant)),
    );
  });
  return { origin, asked, release: () => void signs.emit("released") };
}

const textsOf = ({ openClaw }: PluginLab): readonly string[] => openClaw.chat(OWNER).map(({ text }) => text);
const recordsIn = (folder: string): readonly string[] => readdirSync(folder).filter((name) => name.endsWith(".json"));

describe("a command whose answer cannot be sent", () => {
  it("leaves the outcome of its job in the outbox, which tells it once when Telegram is there again", async () => {
    const lab = await pluginLab({ version: VERSION });
    lab.openClaw.shadowed = ["codex_auth"];
    await lab.openClaw.startServices();
    const id = await parkedFor(lab, "carol");
    lab.openClaw.isDown = true;
    await lab.openClaw.types(OWNER, `/codex_auth take ${id}`);
    await lab.answered();
    await expect.poll(() => lab.world.readStore().profiles["openai-codex:carol"]).toBeDefined();
    await expect.poll(async () => (await lab.world.outbox.list("openclaw")).length).toBe(1);
    expect(textsOf(lab)).toEqual([]);
    lab.openClaw.isDown = false;
    await lab.shows(/✅.*carol.*is saved/);
    await expect.poll(async () => (await lab.world.outbox.list("openclaw")).length).toBe(0);
    expect(textsOf(lab)).toHaveLength(1);
  });

  it("keeps the login of a pasted address, and asks about it as soon as it can", async () => {
    const lab = await loginLab({ version: VERSION });
    const { openClaw, issuer, page, answered, shows, world } = lab;
    await openClaw.startServices();
    await openClaw.types(OWNER, "/codex_auth paste carol");
    const callback = issuer.approve(page(), "carol@example.com");
    openClaw.isDown = true;
    await openClaw.types(OWNER, callback);
    await answered();
    expect(recordsIn(world.paths.parked)).toHaveLength(1);
    openClaw.isDown = false;
    await shows(/still waits for your decision[\s\S]*carol@example\.com/);
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("has everything in words where Telegram refuses the buttons: the link, and the command for each of them", async () => {
    const lab = await loginLab({ version: VERSION });
    const { openClaw, last, answered } = lab;
    openClaw.shadowed = ["codex_auth"];
    openClaw.refusesButtons = true;
    await openClaw.types(OWNER, "/codex_auth paste carol");
    await answered();
    expect(last()).toMatch(/Open the sign-in page: \S*\/oauth\/authorize\?/);
    await openClaw.types(OWNER, "/codex_auth");
    await answered();
    expect(last()).toContain("New login: `/codex_auth new`");
    expect(openClaw.chat(OWNER).flatMap(({ buttons }) => buttons)).toEqual([]);
  });
});

describe("on 2026.9.6, while a command of ours is slow", () => {
  it("chatter with a link goes to the model at once, and the command after it is not dropped", async () => {
    const issuer = await slowIssuer();
    const lab = await pluginLab({ version: VERSION, variables: { CODEX_AUTH_ISSUER: issuer.origin } });
    const { openClaw } = lab;
    openClaw.shadowed = ["codex_auth"];
    await openClaw.types(OWNER, "/codex_auth carol");
    await issuer.asked;
    await openClaw.types(OWNER, "please summarise https://example.com/page");
    expect(openClaw.modelHeard).toEqual(["please summarise https://example.com/page"]);
    await openClaw.types(OWNER, "/codex_auth status");
    issuer.release();
    await lab.answered();
    expect(openClaw.dropped).toEqual([]);
    expect(textsOf(lab)).toEqual([expect.stringContaining("ABCD-12345"), expect.stringMatching(/running|Waiting/)]);
  });

  it("a lone code is kept from the model, and a command in the moment of its answer is not dropped", async () => {
    const issuer = await slowIssuer();
    issuer.release();
    const lab = await pluginLab({ version: VERSION, variables: { CODEX_AUTH_ISSUER: issuer.origin } });
    const { openClaw } = lab;
    openClaw.shadowed = ["codex_auth"];
    await openClaw.types(OWNER, "/codex_auth carol");
    await lab.answered();
    let next: Promise<void> | undefined;
    openClaw.whenSeen = () => void (next ??= openClaw.types(OWNER, "/codex_auth help"));
    await openClaw.types(OWNER, `ac_${"K".repeat(24)}`);
    await lab.answered();
    await next;
    await lab.answered();
    expect(next).toBeDefined();
    expect(openClaw.dropped).toEqual([]);
    expect(openClaw.modelHeard).toEqual([]);
  });
});

describe("a stop of the plugin", () => {
  it("waits for no job that nobody will execute: its outcome comes after the next start", async () => {
    const lab = await pluginLab({ version: VERSION, settlesMs: 60_000 });
    const { openClaw } = lab;
    await openClaw.startServices();
    await lab.host();
    const id = await parkedFor(lab, "carol");
    const typed = openClaw.types(OWNER, `/codex_auth take ${id}`);
    await expect.poll(async () => (await lab.world.queue.open()).length).toBe(1);
    await openClaw.stopServices();
    await typed;
    expect(openClaw.logged).toEqual([]);
    expect(lab.last()).toContain("queued");
    expect(lab.world.readStore().profiles["openai-codex:carol"]).toBeUndefined();
  });

  it("says of what was not begun that it has to be sent again, and takes a pasted key out of sight all the same", async () => {
    const lab = await loginLab({ version: VERSION });
    const { openClaw, bot, world } = lab;
    openClaw.shadowed = ["codex_auth"];
    await openClaw.startServices();
    await lab.host();
    const gate = new EventEmitter();
    openClaw.sendGate = once(gate, "open");
    await openClaw.types(OWNER, "/codex_auth");
    await expect.poll(() => openClaw.sending).toBe(1);
    const id = await parkedFor(lab, "dave");
    await openClaw.types(OWNER, `/codex_auth take ${id}`);
    await openClaw.types(OWNER, "http://localhost:1455/auth/callback?code=a-code&state=a-state");
    const pasted = openClaw.lastMessageId;
    await expect.poll(() => bot.deleted).toEqual([{ chat: OWNER, message: pasted }]);
    const stopped = openClaw.stopServices();
    gate.emit("open");
    await stopped;
    expect(openClaw.logged).toEqual([]);
    expect(textsOf(lab)).toEqual([
      expect.stringContaining("Codex logins"),
      expect.stringContaining("Send it again in a moment"),
      expect.stringContaining("Send it again in a moment"),
    ]);
    expect(await world.queue.list()).toEqual([]);
    expect(recordsIn(world.paths.parked)).toHaveLength(1);
  });

  it("shows the code of a sign-in that was being begun, instead of nothing", async () => {
    const issuer = await slowIssuer();
    const lab = await pluginLab({ version: VERSION, variables: { CODEX_AUTH_ISSUER: issuer.origin } });
    await lab.openClaw.startServices();
    await lab.host();
    const typed = lab.openClaw.types(OWNER, "/codex_auth carol");
    await issuer.asked;
    const stopped = lab.openClaw.stopServices();
    issuer.release();
    await typed;
    await stopped;
    expect(lab.last()).toContain("ABCD-12345");
  });
});
