// Which message a pasted address is: the number of one chat's message is never taken for another's.

import { describe, expect, it } from "vitest";
import { PastedMessages } from "../../../src/hosts/openclaw/pastes.ts";

const CONTENT = "http://localhost:1455/auth/callback?code=a-code&state=a-state";
const AT = { channelId: "telegram", accountId: "default", conversationId: "4242" };
const asked = { content: CONTENT, channel: "telegram", senderId: "4242", isGroup: false };

describe("the id of a pasted message", () => {
  it("is that of the same chat, which the two hooks name in two ways", () => {
    const messages = new PastedMessages();
    messages.received({ content: CONTENT, messageId: 7 }, { ...AT, conversationId: "telegram:4242" });
    expect(messages.read(asked, AT)).toMatchObject({ chat: "4242", messageId: "7", isPrivate: true });
    expect(messages.read(asked, AT)).toMatchObject({ messageId: undefined });
  });

  it.each([
    ["channel", { ...AT, channelId: "slack" }],
    ["account", { ...AT, accountId: "work" }],
    ["chat", { ...AT, conversationId: "telegram:-100123" }],
  ])("is not that of the same text in another %s", (_what, elsewhere) => {
    const messages = new PastedMessages();
    messages.received({ content: CONTENT, messageId: 8 }, elsewhere);
    expect(messages.read(asked, AT)).toMatchObject({ messageId: undefined });
  });

  it("is not kept where no chat was named", () => {
    const messages = new PastedMessages();
    messages.received({ content: CONTENT, messageId: 9 }, { channelId: "telegram" });
    const nobody = { content: CONTENT, channel: "telegram" };
    expect(messages.read(nobody, { channelId: "telegram" })).toMatchObject({
      messageId: undefined,
      senderId: undefined,
    });
  });
});

describe("the chat of a command that belongs to a skill, on 2026.4.5 and 2026.5.28", () => {
  const slash = { ...AT, conversationId: "slash:4242" };
  const typed = { content: "/codex_auth", channel: "telegram", senderId: "4242" };
  const [main, group] = ["agent:main:main", "agent:main:telegram:group:-100123"];

  it.each([
    ["is its sender's own in a private chat", { isGroup: false, sessionKey: main }, "4242", true],
    ["is the group's in a group", { isGroup: true, sessionKey: group }, "-100123", false],
    ["is the group's in a topic of one", { isGroup: true, sessionKey: `${group}:topic:7` }, "-100123", false],
    ["is the group's where only the session says so", { isGroup: false, sessionKey: group }, "-100123", false],
    ["is unknown where the session says nothing of the group", { isGroup: true, sessionKey: main }, "", false],
    ["is unknown where no session is named", { isGroup: false }, "", false],
    [
      "is unknown where the conversation is somebody else's",
      { isGroup: false, sessionKey: main, senderId: "7" },
      "",
      false,
    ],
  ] as const)("%s", (_what, said, chat, isPrivate) => {
    expect(new PastedMessages().read({ ...typed, ...said }, slash)).toMatchObject({ chat, isPrivate });
  });
});
