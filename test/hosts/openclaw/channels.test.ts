// Channels beside Telegram: typed lists, buttons that type a command from 2026.9 on, and which chats are taken for private.

import { describe, expect, it } from "vitest";
import { pluginLab } from "./plugin-lab.ts";

const PHONE = "+15555550123";
const OWNERS = { commands: { ownerAllowFrom: [`whatsapp:${PHONE}`, "slack:U12", "discord:9"] } };
const OWN_SESSION = `agent:main:whatsapp:direct:${PHONE}`;

async function lab(version: string) {
  const { openClaw } = await pluginLab({ version, settings: OWNERS });
  const says = async (who: string, text: string, channel: string, sessionKey?: string) => {
    await openClaw.types(who, text, who, channel, sessionKey);
    return openClaw.chat(who).at(-1) ?? { text: "", presentation: undefined };
  };
  return { openClaw, says };
}

describe("a private chat of another channel", () => {
  it("gets typed commands as buttons on 2026.9, and the same as text for a channel that drops them", async () => {
    const { says } = await lab("2026.9.6");
    const { text, presentation } = await says(PHONE, "/codex_auth", "whatsapp", OWN_SESSION);
    const buttons = presentation?.blocks.flatMap((block) => block.buttons) ?? [];
    expect(buttons).toContainEqual({ label: "➕ New login", action: { type: "command", command: "/codex_auth new" } });
    expect(JSON.stringify(presentation)).not.toMatch(/codex_auth_\w+:/);
    expect(text).toContain("such as `/codex_auth 1`.");
    expect(text).toContain("➕ New login: `/codex_auth new`");
  });

  it("gets the list as plain text before, and nothing that this OpenClaw does not know", async () => {
    const { says } = await lab("2026.5.28");
    const { text, presentation } = await says(PHONE, "/codex_auth", "whatsapp", OWN_SESSION);
    expect(presentation).toBeUndefined();
    expect(text).toMatch(/^Codex logins\n1\. alice/);
    expect(text).toContain("such as `/codex_auth 1`.");
  });

  it("answers a number behind its own command: usage's list is not the logins' list", async () => {
    const { openClaw, says } = await lab("2026.5.28");
    const list = await says(PHONE, "/codex_usage", "whatsapp", OWN_SESSION);
    expect(list.text).toContain("such as `/codex_usage 1`.");
    expect(list.text).not.toContain("`/codex_auth 1`");
    const { text } = await says(PHONE, "/codex_usage 2", "whatsapp", OWN_SESSION);
    expect(text).toContain("bob");
    expect(text).not.toContain("alice");
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("changes a profile after a typed yes", async () => {
    const { says } = await lab("2026.9.6");
    const preview = await says(PHONE, "/codex_auth use bob", "whatsapp", OWN_SESSION);
    const typed = preview.presentation?.blocks.flatMap((block) => block.buttons.map(({ action }) => action.command));
    expect(typed).toContain("/codex_auth use bob yes");
  });

  it("offers no paste: nobody can take a message back there, so an address that comes is not exchanged", async () => {
    const { says } = await lab("2026.9.6");
    const help = await says(PHONE, "/codex_auth help", "whatsapp", OWN_SESSION);
    expect(help.text).not.toContain("paste");
    const refused = await says(PHONE, "/codex_auth paste work", "whatsapp", OWN_SESSION);
    expect(refused.text).toContain("/codex_auth device work");
  });
});

describe("a chat of another channel is not taken for private", () => {
  it.each([
    ["where all private chats share a session", "2026.9.6", "whatsapp", PHONE, "agent:main:main"],
    ["in a group", "2026.9.6", "whatsapp", PHONE, "agent:main:whatsapp:group:77@g.us"],
    ["in the session of somebody else", "2026.9.6", "whatsapp", PHONE, "agent:main:whatsapp:direct:+15555550199"],
    ["in the session of another channel", "2026.9.6", "whatsapp", PHONE, `agent:main:slack:direct:${PHONE}`],
    ["in a thread", "2026.9.6", "slack", "U12", "agent:main:slack:direct:u12:thread:1.2"],
    ["on a version whose documents do not name it", "2026.5.28", "slack", "U12", "agent:main:slack:direct:u12"],
    ["on a channel whose documents do not name it", "2026.9.6", "discord", "9", "agent:main:discord:direct:9"],
    ["on an OpenClaw of which nothing is known", "2025.1.1", "whatsapp", PHONE, OWN_SESSION],
  ])("%s", async (_where, version, channel, who, sessionKey) => {
    const { says } = await lab(version);
    const { text, presentation } = await says(who, "/codex_auth", channel, sessionKey);
    expect(text).toContain("→ Sign in from a private chat with me.");
    expect(text).not.toContain("example.com");
    expect(presentation).toBeUndefined();
    expect((await says(who, "/codex_auth work", channel, sessionKey)).text).toContain("in a private chat only");
  });

  it("but Slack's own session of the person is, as 2026.9.6 documents it", async () => {
    const { says } = await lab("2026.9.6");
    const { text } = await says("U12", "/codex_auth", "slack", "agent:main:work:slack:direct:u12");
    expect(text).toContain("Sign in from a private chat");
    const own = await says("U12", "/codex_auth", "slack", "agent:main:slack:work:direct:u12");
    expect(own.text).toContain("alice@example.com");
  });
});
