import { describe, expect, it } from "vitest";
import { HOUR, MINUTE } from "../../src/config/defaults.ts";
import { leaseLab, type LeaseLab } from "../lease/lease-lab.ts";
import { chatLab, type ChatLab } from "./chat-lab.ts";

interface LeaseChat extends ChatLab {
  readonly lease: LeaseLab;
  /** Types `/lease <args>`. */
  type(args: string, as?: Parameters<ChatLab["incoming"]>[1]): Promise<string>;
}

/** The chat in front of a lease at the sandbox broker. */
async function leaseChat(settings: Readonly<Record<string, unknown>> = {}): Promise<LeaseChat> {
  const lease = await leaseLab({ machineId: "debian", agentId: "main", ...settings });
  const chat = await chatLab({
    lease: () => ({
      view: () => lease.service.view(),
      totals: async () => ({
        sent: { requests: 12, tokensIn: 34_567, tokensOut: 890 },
        unsent: { requests: 2, tokensIn: 10, tokensOut: 5 },
        unattributed: { requests: 0, tokensIn: 0, tokensOut: 0 },
      }),
      act: (deed, requestedBy) => lease.service.act(deed, requestedBy === undefined ? {} : { requestedBy }),
      flush: () => lease.service.step({ isForced: true }),
    }),
  });
  const type: LeaseChat["type"] = async (args, as) => {
    await chat.incoming({ kind: "command", name: "lease", args }, as);
    return chat.out.last;
  };
  return { ...chat, lease, type };
}

const states = (chat: LeaseChat): readonly string[] => chat.lease.broker.leases().map(({ state }) => state);

describe("/lease", () => {
  it("shows machine and agent exactly as sent, and everything that is known", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    const card = await chat.type("");
    expect(card).toContain("Lease of debian / openclaw:main");
    expect(card).toMatch(/lease_[\w-]{16}: active, ends in 30 min/);
    expect(card).toContain("Credential alpha");
    expect(card).toContain("Last contact now");
    expect(card).toContain("Used ▓░░░░░░░░░ 10 %");
    expect(card).toContain("Told the broker: 12 requests, tokens 34 567 in, 890 out");
    expect(card).toContain("Not told yet: 2 requests");
    expect(card).not.toContain("Of no known lease");
    expect(card).toContain("Profile lease: stored");
    expect(card).toContain("Auto renew on, auto rotate off");
    for (const label of [
      "Refresh",
      "Renew",
      "Rotate",
      "Release",
      "Reacquire",
      "Auto renew",
      "Auto rotate",
      "Materialize",
      "Flush",
    ]) {
      expect(chat.out.button(label).typed).toMatch(/^\/lease /);
    }
  });

  it("asks the broker nothing to show what it was", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    const before = chat.lease.broker.log.length;
    await chat.type("");
    expect(chat.lease.broker.log).toHaveLength(before);
  });

  it("offers to acquire where there is none", async () => {
    const chat = await leaseChat();
    expect(await chat.type("")).toContain("No lease now.");
    await chat.press("Acquire");
    expect(chat.out.last).toContain(": active");
    expect(states(chat)).toEqual(["active"]);
  });

  it("says what to set where there is no broker", async () => {
    const chat = await chatLab();
    await chat.incoming({ kind: "command", name: "lease", args: "" });
    expect(chat.out.lastReply.problem).toMatchObject({ code: "ERR_BROKER_NOT_SET" });
    expect(chat.out.last).toContain("lease.baseUrl");
  });

  it("shows no button and no address to a group", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    const card = await chat.type("", { private: false, chatId: "-100" });
    expect(chat.out.lastReply.buttons).toBeUndefined();
    expect(card).not.toContain("@");
    await chat.type("renew", { private: false, chatId: "-100" });
    expect(chat.out.lastReply.problem).toMatchObject({ code: "ERR_PRIVATE_CHAT_ONLY" });
    expect(chat.lease.broker.log.some(({ action }) => action === "renew")).toBe(false);
  });

  it("refuses words that it does not know, without repeating them", async () => {
    const chat = await leaseChat();
    for (const [args, code] of [
      ["dance", "ERR_UNKNOWN_COMMAND"],
      ["renew now", "ERR_USAGE"],
      ["release please", "ERR_USAGE"],
      ["auto renew maybe", "ERR_USAGE"],
      ["x".repeat(5_000), "ERR_USAGE"],
    ] as const) {
      await chat.type(args);
      expect(chat.out.lastReply.problem?.code).toBe(code);
      expect(chat.out.last).not.toContain("dance");
    }
    expect(chat.lease.broker.log).toHaveLength(0);
  });
});

describe("the buttons of the lease", () => {
  it("renew, and show the card again in the same message", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    await chat.type("");
    const messages = chat.out.messages.size;
    await chat.press("Renew");
    expect(chat.out.messages.size).toBe(messages);
    expect(chat.out.last).toContain("ends in 60 min");
    expect(chat.out.everything).toContain("Renewing…");
  });

  it.each([
    ["Rotate", "Rotate", ["released", "active"]],
    ["Release", "Release", ["released"]],
    ["Reacquire", "Reacquire", ["released", "active"]],
  ])("%s asks before anything is given up", async (label, yes, after) => {
    const chat = await leaseChat();
    await chat.lease.step();
    await chat.type("");
    await chat.press(label);
    expect(states(chat)).toEqual(["active"]);
    expect(chat.out.button("Keep it").typed).toBe("/lease");
    await chat.press(yes);
    expect(states(chat)).toEqual(after);
  });

  it("do the same as typed words, with `yes` behind them instead of the question", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    await chat.type("release");
    expect(states(chat)).toEqual(["active"]);
    await chat.type("release yes");
    expect(states(chat)).toEqual(["released"]);
    expect(chat.out.last).toContain("You gave the lease back");
  });

  it("are stale when the lease is another one: a press never gives up what was not shown", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    await chat.type("release");
    await chat.lease.service.act({ kind: "rotate" });
    await chat.press("Release");
    expect(chat.out.toasts.at(-1)).toContain("too old");
    expect(states(chat)).toEqual(["released", "active"]);
  });

  it("switch to what they say, however often they are pressed", async () => {
    const chat = await leaseChat();
    await chat.type("");
    const data = chat.out.button("Auto rotate on").data;
    await chat.incoming({ kind: "press", data });
    await chat.incoming({ kind: "press", data });
    expect((await chat.lease.service.view()).policy.autoRotate).toBe(true);
    await chat.type("auto rotate off");
    expect((await chat.lease.service.view()).policy.autoRotate).toBe(false);
  });

  it("may not be used by somebody else", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    await chat.type("release");
    await chat.press("Release", { personId: "2", chatId: "2" });
    expect(chat.out.toasts.at(-1)).toContain("not made for you");
    expect(states(chat)).toEqual(["active"]);
  });
});

describe("what the card warns of", () => {
  it("says what failed and what to do, and shows what is still true", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    await chat.lease.broker.stop();
    await chat.type("renew");
    expect(chat.out.lastReply.problem).toMatchObject({ code: "ERR_BROKER_UNREACHABLE" });
    expect(chat.out.last).toContain(": active");
    await chat.lease.broker.start();
  });

  it("offers a rotation where the broker wants one", async () => {
    const chat = await leaseChat();
    await chat.lease.pass(2 * MINUTE);
    chat.lease.broker.setUtilization("alpha", 99);
    await chat.type("refresh");
    expect(chat.out.last).toContain("wants another credential");
    expect(chat.out.button("Rotate").typed).toBe("/lease rotate");
  });

  it("keeps a script from giving anything up", async () => {
    const lease = await leaseLab();
    await lease.step();
    const chat = await chatLab({
      approvers: [],
      lease: () => ({
        view: () => lease.service.view(),
        totals: async () => undefined,
        act: (deed) => lease.service.act(deed),
        flush: async () => undefined,
      }),
    });
    for (const args of ["release yes", "rotate yes", "reacquire yes", "auto rotate on"]) {
      await chat.incoming({ kind: "command", name: "lease", args });
      expect(chat.out.lastReply.problem).toMatchObject({ code: "ERR_CONFIRMATION_NEEDED" });
    }
    expect(lease.broker.leases()).toMatchObject([{ state: "active" }]);
    await chat.incoming({ kind: "command", name: "lease", args: "refresh" });
    expect(chat.out.lastReply.problem).toBeUndefined();
  });

  it("shows an ended lease as ended", async () => {
    const chat = await leaseChat();
    await chat.lease.step();
    chat.clock.now += HOUR;
    expect(await chat.type("")).toMatch(/ended \d+ min ago/);
  });
});
