// The whole chat on real files, in the hands of people who type, paste and press anything: answered in words of ours, nothing is changed.

import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACTIONS, refOf, type ActionName } from "../../../src/chat/button.ts";
import type { Incoming } from "../../../src/chat/conversation.ts";
import { IssuerSignIns } from "../../../src/chat/sign-ins.ts";
import { parseIssuer } from "../../../src/oauth/issuer.ts";
import { PendingLogins } from "../../../src/oauth/pending.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { alice, bob, chatLab, type ChatLab } from "../../chat/chat-lab.ts";
import { anyText, callbackText, commandArguments } from "../lab/bad-text.ts";
import { CANARY, Guard } from "../lab/guard.ts";

/** Of `/codex_usage` the lab of the chat has no door yet: add it here with it. */
const COMMANDS = ["codex_auth", "codex_auth", "lease"] as const;
const now = (): number => Date.UTC(2026, 10, 21, 12);

interface Hostile {
  readonly lab: ChatLab;
  readonly logged: string[];
  /** One incoming message of somebody; gives what was shown for it. */
  send(guard: Guard, incoming: Incoming, as?: Partial<ChatLab["asker"]>): Promise<string>;
}

/** A chat with two logins, one sign-in under way and an address of the issuer that nobody answers at. */
async function hostile(): Promise<Hostile> {
  const logged: string[] = [];
  const issuer = parseIssuer("http://127.0.0.1:9");
  let count = 0;
  const pending = new PendingLogins({
    folder: await temporaryFolder(),
    issuer,
    now,
    randomBytes: (size) => Buffer.alloc(size, (count += 1) % 251),
  });
  const lab = await chatLab({
    signIns: new IssuerSignIns({ pending, issuer, now }),
    log: createLog((entry) => logged.push(entry), now),
  });
  await lab.writeStore({ alice, bob });
  await lab.say("paste work");
  return {
    lab,
    logged,
    send: async (guard, incoming, as) => {
      lab.out.messages.clear();
      lab.out.history.length = 0;
      lab.out.toasts.length = 0;
      await guard.async(() => lab.incoming(incoming, as));
      // What the router catches it answers: an answer that says that it did not expect something is a defect.
      const answer = lab.out.everything;
      expect(answer).not.toContain("did not expect");
      return answer;
    },
  };
}

const ELSEWHERE: Readonly<Record<string, Partial<ChatLab["asker"]>>> = {
  "other person": { personId: "2" },
  "other chat": { chatId: "77" },
  "other bot": { botId: "8" },
};

/** Without these nothing was changed for good: the store, and what waits to be written into it. */
async function standing({ lab }: Hostile): Promise<string> {
  const [jobs, parked] = await Promise.all([lab.queue.list(), lab.parked.list()]);
  return JSON.stringify([readFileSync(lab.storePath(), "utf8"), jobs, parked]);
}

describe("the chat", () => {
  it("repeats nothing of an address, in whatever form it comes, and has it deleted", async () => {
    const one = await hostile();
    const before = await standing(one);
    const guard = new Guard("addresses in the chat");
    const kind = fc.constantFrom("text", "command", "group");
    await guard.checkAsync(4_000, fc.tuple(kind, callbackText), async ([how, text]) => {
      const incoming: Incoming =
        how === "command" ? { kind: "command", name: "codex_auth", args: text } : { kind: "text", text };
      const answer = await one.send(guard, incoming, how === "group" ? { private: false, chatId: "-1" } : {});
      const { problem } = one.lab.out.lastReply;
      // The name of a profile may be shown, and somebody may call theirs anything; a problem quotes nothing.
      if (how !== "command" || problem !== undefined) guard.silent(answer);
      guard.silent(one.logged.splice(0).join("\n"));
    });
    expect(await standing(one)).toBe(before);
  });

  it("answers each command, and changes nothing that was not confirmed", async () => {
    const one = await hostile();
    const before = await standing(one);
    const guard = new Guard("commands in the chat");
    const name = fc.constantFrom(...COMMANDS);
    const args = commandArguments.filter((text) => !/\byes\b/i.test(text));
    await guard.checkAsync(4_000, fc.tuple(name, args), async ([command, text]) => {
      const answer = await one.send(guard, { kind: "command", name: command, args: text });
      expect(answer).not.toBe("");
      if (one.lab.out.lastReply.problem !== undefined) guard.silent(answer);
      guard.silent(one.logged.splice(0).join("\n"));
    });
    expect(await standing(one)).toBe(before);
  });

  it("does nothing for a button that is forged, somebody else's, or from another chat", async () => {
    const one = await hostile();
    const { lab } = one;
    const before = await standing(one);
    const guard = new Guard("presses in the chat");
    const action = fc.constantFrom(...(Object.keys(ACTIONS) as ActionName[]));
    const how = fc.constantFrom("forged", "other person", "other chat", "other bot", "no such thing");
    await guard.checkAsync(4_000, fc.tuple(action, how, anyText(8)), async ([name, trick, about]) => {
      // The real subjects of the buttons are among those that are guessed.
      const ref = refOf(about.length % 2 === 0 ? about : "openai-codex:alice");
      const data = lab.services.buttons.encode(name, ref, lab.asker);
      const forged = `${data.slice(0, -8)}${CANARY.slice(0, 8)}`;
      const as = ELSEWHERE[trick] ?? {};
      const incoming: Incoming = { kind: "press", data: trick === "forged" ? forged : data, messageId: "m1" };
      const answer = await one.send(guard, incoming, as);
      if (trick !== "no such thing") expect(answer).toContain("not made for you");
      guard.silent(answer);
    });
    expect(await standing(one)).toBe(before);
  });

  it("is silent to strangers, whatever they send", async () => {
    const one = await hostile();
    const before = await standing(one);
    const guard = new Guard("strangers in the chat");
    const incoming = fc.oneof(
      fc.record({ kind: fc.constant("text" as const), text: fc.oneof(callbackText, anyText(40)) }),
      fc.record({
        kind: fc.constant("command" as const),
        name: fc.constant("codex_auth" as const),
        args: commandArguments,
      }),
      fc.record({ kind: fc.constant("press" as const), data: anyText(64) }),
    );
    await guard.checkAsync(4_000, fc.tuple(incoming, fc.boolean()), async ([message, isPrivate]) => {
      expect(await one.send(guard, message, { personId: "666", chatId: "666", private: isPrivate })).toBe("");
    });
    expect(await standing(one)).toBe(before);
    expect(one.lab.out.deletions).toBe(0);
  });
});
