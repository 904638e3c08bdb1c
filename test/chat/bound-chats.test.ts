// `/codex_auth free`: what is bound is said, nothing is let go before a yes, and a person's later choice makes the yes stale.

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { SessionPin } from "../../src/profiles/session-pins.ts";
import { changeLab } from "./change-lab.ts";

const HOME = "openai-codex:home";
const byItself: SessionPin = { profileId: HOME, byPerson: false };
const byPerson: SessionPin = { profileId: HOME, byPerson: true };

/** A chat inside the gateway, where `home` is first and `work` is what chats may be bound to. */
async function boundLab(bound: SessionPin[] | undefined) {
  const freed: string[] = [];
  const lab = await changeLab({
    pins: async () => bound,
    freeChats: async (agentId) => {
      freed.push(agentId);
      return bound?.splice(0).length ?? 0;
    },
  });
  const labels = (): readonly string[] => (lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
  return { ...lab, freed, labels };
}

const other = (pin: SessionPin): SessionPin => ({ ...pin, profileId: "openai-codex:work" });

describe("chats that are bound to another profile", () => {
  it("are let go from the card of the profile that they keep from being used, after a question", async () => {
    const lab = await boundLab([other(byItself), other(byPerson)]);
    const store = await readFile(lab.storePath(), "utf8");
    expect(await lab.say("show home")).toContain("Let go, they go by the order.");
    expect(lab.out.lastReply.buttons?.flat()[0]).toMatchObject({
      label: "Let chats go",
      style: "primary",
      typed: "/codex_auth free",
    });
    const question = await lab.press("Let chats go");
    expect(question).toContain("2 chats are bound to work, 1 by a person's choice.");
    expect(question).toContain("This has no undo");
    expect(lab.freed).toEqual([]);
    expect(await lab.press("Let them go")).toContain("✅ 2 chats were let go");
    expect(lab.freed).toEqual(["main"]);
    expect(await lab.queue.list()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(store);
    await lab.say("show home");
    expect(lab.labels()).not.toContain("Let chats go");
  });

  it("are let go by typing, but only once it was shown what they are", async () => {
    const lab = await boundLab([other(byItself)]);
    expect(await lab.say("free yes")).toContain("1 chat is bound to work.");
    expect(lab.freed).toEqual([]);
    expect(await lab.say("free yes")).toContain("✅ 1 chat was let go");
    expect(lab.freed).toEqual(["main"]);
    expect(await lab.say("free")).toContain("No chat is bound to a profile");
  });

  it("stay where a person has chosen for one since the question; OpenClaw's own bonds change nothing", async () => {
    const bound = [other(byItself)];
    const lab = await boundLab(bound);
    await lab.say("free");
    bound.push(other(byPerson));
    await lab.press("Let them go");
    expect(lab.out.everything).toContain("button");
    expect(lab.freed).toEqual([]);
    bound.splice(0, 2, other(byItself), byItself);
    await lab.say("free");
    bound.push(other(byItself));
    expect(await lab.press("Let them go")).toContain("✅ 3 chats were let go");
  });

  it("may be let go where they cannot be listed", async () => {
    const lab = await boundLab(undefined);
    expect(await lab.say("free")).toContain("It cannot be told which chats are bound");
    expect(await lab.press("Let them go")).toContain("No chat was bound any more.");
    expect(lab.freed).toEqual(["main"]);
  });
});

describe("outside of the gateway", () => {
  it("nothing is offered that only the plugin can do", async () => {
    const lab = await changeLab({ pins: async () => [other(byItself)] });
    expect(await lab.say("show home")).toContain("Only this one in the order moves those");
    expect((lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label)).not.toContain("Let chats go");
    expect(await lab.say("free")).toContain("Only the plugin inside OpenClaw can let chats go.");
    expect(await lab.say("help")).not.toContain("/codex_auth free");
    const inside = await boundLab([]);
    expect(await inside.say("help")).toContain("/codex_auth free");
  });

  it.each(["free work", "free yes please"])("`%s` is no command", async (words) => {
    const lab = await boundLab([other(byItself)]);
    expect(await lab.say(words)).toContain("takes nothing behind it");
    expect(lab.freed).toEqual([]);
  });
});
