// What a person sees where a confirmed job cannot be made: the message that said "queued" says what was wrong.

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { plainText } from "../../src/chat/reply.ts";
import { createLog } from "../../src/secrets/log.ts";
import { alice, bob, chatLab, signedIn, type ChatLab } from "./chat-lab.ts";

/** Nothing can be written where the jobs lie, until the returned function is called; root is no exception. */
async function blockQueue({ paths }: ChatLab): Promise<() => Promise<void>> {
  const secrets = join(paths.queue, "secrets");
  await mkdir(paths.queue, { recursive: true, mode: 0o700 });
  await writeFile(secrets, "");
  return () => rm(secrets);
}

async function parkedLab(logged: string[] = []): Promise<ChatLab> {
  const lab = await chatLab({ log: createLog((line) => logged.push(line), Date.now) });
  const { tokens, ...login } = signedIn(alice);
  const about = { agentId: "main", profileId: "openai-codex:work", reason: "first-login" } as const;
  const requestedBy = { host: "telegram", chatId: "1", personId: "1" };
  await lab.parked.put({ ...login, ...about, expiresAtMs: tokens.expiresAtMs, requestedBy }, tokens);
  await lab.say("parked");
  await lab.press("1. work");
  return lab;
}

describe("a confirmed job", () => {
  it("is announced at once, and made when it is known what a restart would interrupt: its end is never told before its beginning", async () => {
    let tell: ((names: readonly string[]) => void) | undefined;
    const interruptedByRestart = (): Promise<readonly string[]> => new Promise((resolve) => (tell = resolve));
    const lab = await chatLab({ gateway: { interruptedByRestart } });
    await lab.writeStore({ work: alice, home: bob }, { order: ["work", "home"] });
    await lab.say("use home");
    const pressed = lab.press("first");
    await expect.poll(() => lab.out.last).toContain("home: queued");
    expect(await lab.queue.list()).toEqual([]);
    tell?.(["the build"]);
    await pressed;
    expect(await lab.queue.list()).toMatchObject([{ kind: "order" }]);
    expect(lab.out.last).toContain("this is interrupted: the build.");
  });
});

describe("a job that cannot be made", () => {
  it("is told in place of its card, with the way on, and can be asked for again", async () => {
    const logged: string[] = [];
    const lab = await parkedLab(logged);
    const [messages, card] = [lab.out.messages.size, lab.out.lastId];
    const unblock = await blockQueue(lab);

    await lab.press("Save and use first");

    expect([lab.out.messages.size, lab.out.lastId, lab.kicks()]).toEqual([messages, card, 0]);
    expect(lab.out.lastReply.problem?.code).toBe("ERR_FILE_UNWRITABLE");
    expect(lab.out.last).not.toContain("queued");
    expect(lab.out.last).toMatch(/⚠️ .+\n→ .+\nThe login was received and is kept: .*\/codex_auth parked\.$/);
    expect(logged.join()).toContain("ERR_FILE_UNWRITABLE");
    expect([await lab.queue.list(), (await lab.parked.list()).length]).toEqual([[], 1]);

    await unblock();
    await lab.say("parked");
    await lab.press("1. work");
    await lab.press("Save and use first");
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work", makeFirst: true }]);
    expect(lab.out.last).toContain("work: queued");
  });

  it("of a change is told the same way, and nothing of it is begun", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, home: bob }, { order: ["work", "home"] });
    await lab.say("use home");
    const messages = lab.out.messages.size;
    await blockQueue(lab);
    await lab.press("first");
    expect([lab.out.messages.size, lab.out.lastReply.problem?.code]).toEqual([messages, "ERR_FILE_UNWRITABLE"]);
    expect(lab.out.last).toMatch(/Nothing was begun: ask for it again then\.$/);
    expect([await lab.queue.list(), lab.kicks()]).toEqual([[], 0]);
  });

  it("is told in a message of its own where its card cannot be edited", async () => {
    const lab = await parkedLab();
    const card = lab.out.lastId;
    const edit = lab.out.edit.bind(lab.out);
    lab.out.edit = (id, reply) =>
      reply.problem === undefined ? edit(id, reply) : Promise.reject(new Error("no such message"));
    await blockQueue(lab);
    await lab.press("Save and use first");
    expect(lab.out.lastId).not.toBe(card);
    expect(lab.out.lastReply.problem?.code).toBe("ERR_FILE_UNWRITABLE");
    expect(plainText(lab.out.messages.get(card) ?? { lines: [] })).toContain("queued");
  });
});
