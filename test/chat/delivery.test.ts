import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutboxMessage } from "../../src/apply/outbox.ts";
import { Delivery, type DeliveryOptions } from "../../src/chat/delivery.ts";
import { APPLY, CHAT } from "../../src/config/defaults.ts";
import { alice, bob, chatLab, signedIn, type ChatLab } from "./chat-lab.ts";
import { createLog } from "../../src/secrets/log.ts";
import { end, move, receiptOf } from "./job-play.ts";

const address = { host: "telegram", chatId: "1", personId: "1" };

function deliveryOf(lab: ChatLab, changes: Partial<DeliveryOptions> = {}, allow = lab.services.allow): Delivery {
  return new Delivery({
    host: "telegram",
    outbox: lab.outbox,
    router: lab.router,
    services: { ...lab.services, allow },
    port: { asker: () => lab.asker, out: () => lab.out },
    ...changes,
  });
}

async function deliverAll(lab: ChatLab, delivery: Delivery): Promise<boolean[]> {
  const results: boolean[] = [];
  for (const message of await lab.outbox.list("telegram")) results.push(await delivery.deliver(message));
  return results;
}

async function enqueued(): Promise<ChatLab> {
  const lab = await chatLab();
  await lab.writeStore({ work: alice });
  lab.signIns.next = async () => signedIn(alice);
  await lab.say("work");
  await lab.text(lab.signIns.callback("a1"));
  return lab;
}

async function parkedLab(reason: "other-identity" | "approval-needed"): Promise<ChatLab> {
  const lab = await chatLab();
  await lab.writeStore({ work: alice });
  const { tokens, ...login } = signedIn(bob);
  const record = {
    ...login,
    agentId: "main",
    profileId: "openai-codex:work",
    reason,
    expiresAtMs: tokens.expiresAtMs,
    requestedBy: address,
  };
  const { id } = await lab.parked.put(record, tokens);
  await lab.outbox.put({
    id: "one",
    address,
    content: { kind: reason === "approval-needed" ? "approval" : "reminder", parkedId: id },
  });
  return lab;
}

describe("delivery", () => {
  it("puts the final answer where the progress was, after the last step of progress", async () => {
    const lab = await enqueued();
    const { lastId } = lab.out;
    await end(lab, { email: "alice@example.com", planType: "plus", expiresAtMs: alice.expiresAtMs });
    expect(await deliverAll(lab, deliveryOf(lab))).toEqual([true]);
    await lab.router.idle();
    expect(lab.out.lastId).toBe(lastId);
    expect(lab.out.last).toBe(
      "✅ work is saved.\nSigned in as alice@example.com (plus), expires in 3 days.\nThe gateway reloaded, and lists the profile.",
    );
  });

  it("follows the progress to the message that shows it now, where the first could not be edited", async () => {
    const lab = await enqueued();
    const { edit } = lab.out;
    lab.out.edit = async (_id, reply) => {
      lab.out.edit = edit.bind(lab.out);
      return lab.out.send(reply);
    };
    const job = await move(lab, { state: "written", progress: { step: "reloading", at: 1 } });
    await end(lab);
    await deliverAll(lab, deliveryOf(lab));
    expect(lab.out.lastId).not.toBe(job.requestedBy.messageId);
    expect(lab.out.last).toContain("is saved");
  });

  it("runs on the outbox and forgets what was shown", async () => {
    const lab = await enqueued();
    await end(lab);
    const stop = new AbortController();
    const running = deliveryOf(lab).run(stop.signal);
    while ((await lab.outbox.list("telegram")).length > 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await running;
    expect(lab.out.last).toContain("is saved");
  });

  it("asks the allow-list again: who was taken off it hears nothing", async () => {
    const lab = await enqueued();
    await lab.router.close();
    await end(lab);
    const shown = lab.out.history.length;
    expect(
      await deliverAll(
        lab,
        deliveryOf(lab, {}, () => false),
      ),
    ).toEqual([true]);
    expect(lab.out.history).toHaveLength(shown);
  });

  it("tries again later, not at once, where the chat cannot be reached", async () => {
    const lab = await enqueued();
    await end(lab);
    const delivery = deliveryOf(lab);
    const { edit } = lab.out;
    let tries = 0;
    lab.out.edit = () => {
      tries += 1;
      return Promise.reject(new Error("no network"));
    };
    await lab.router.settled((await lab.queue.list())[0]?.id ?? "");
    tries = 0;
    expect(await deliverAll(lab, delivery)).toEqual([false]);
    expect(await deliverAll(lab, delivery)).toEqual([false]);
    expect(tries).toBe(1);
    lab.clock.now += CHAT.deliveryRetryMs;
    lab.out.edit = edit.bind(lab.out);
    expect(await deliverAll(lab, delivery)).toEqual([true]);
    expect(lab.out.last).toContain("is saved");
  });

  it("tries again where the clock was set back by more than the pause", async () => {
    const lab = await parkedLab("other-identity");
    const { send } = lab.out;
    lab.out.send = () => Promise.reject(new Error("no network"));
    const delivery = deliveryOf(lab);
    expect(await deliverAll(lab, delivery)).toEqual([false]);
    lab.out.send = send.bind(lab.out);
    expect(await deliverAll(lab, delivery)).toEqual([false]);
    lab.clock.now -= CHAT.deliveryRetryMaxMs;
    expect(await deliverAll(lab, delivery)).toEqual([true]);
    expect(lab.out.last).toContain("still waits for your decision");
  });

  it("tries ever less often, up to a limit, and never gives up: who has blocked the bot may unblock it", async () => {
    const lab = await parkedLab("other-identity");
    const [message] = await lab.outbox.list("telegram");
    const tries: number[] = [];
    const start = lab.clock.now;
    lab.out.send = () => {
      tries.push(lab.clock.now - start);
      return Promise.reject(new Error("blocked"));
    };
    const delivery = deliveryOf(lab);
    const until = start + 4 * CHAT.deliveryRetryMaxMs;
    for (; lab.clock.now < until; lab.clock.now += 1_000) {
      expect(await delivery.deliver(message as OutboxMessage)).toBe(false);
    }
    const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((factor) => factor * CHAT.deliveryRetryMs));
    expect(Math.max(...waits)).toBe(CHAT.deliveryRetryMaxMs);
    expect(waits.at(-1)).toBe(CHAT.deliveryRetryMaxMs);
  });

  it("tries again at once what failed for somebody who is heard from, and for nobody else", async () => {
    const lab = await parkedLab("other-identity");
    const { send } = lab.out;
    lab.out.send = () => Promise.reject(new Error("never started the bot"));
    const delivery = deliveryOf(lab);
    expect(await deliverAll(lab, delivery)).toEqual([false]);
    lab.out.send = send.bind(lab.out);
    delivery.heardFrom({ personId: "2" });
    expect(await deliverAll(lab, delivery)).toEqual([false]);
    delivery.heardFrom({ personId: "1" });
    expect(await deliverAll(lab, delivery)).toEqual([true]);
    expect(lab.out.last).toContain("still waits for your decision");
  });

  it("goes on where looking into the outbox fails for a while", async () => {
    const lab = await enqueued();
    await end(lab);
    const stop = new AbortController();
    const failures = [new Error("no more files"), new Error("no more files")];
    const outbox: DeliveryOptions["outbox"] = {
      watch: async (...watching) => {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
        await lab.outbox.watch(...watching);
      },
    };
    const running = deliveryOf(lab, { outbox, retryMs: 1 }).run(stop.signal);
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    stop.abort();
    await running;
    expect(lab.out.last).toContain("is saved");
  });

  it("tells a receipt once where the note of it cannot be written, and what comes behind it all the same", async () => {
    const lab = await enqueued();
    await end(lab);
    const [message] = await lab.outbox.list("telegram");
    const told = join(lab.paths.outbox, "told");
    await mkdir(told, { mode: 0o700 });
    await symlink(join(told, "not-mounted", "note"), join(told, `${message?.id}.json`));
    await lab.router.settled((await lab.queue.list())[0]?.id ?? "");
    const stop = new AbortController();
    const running = deliveryOf(lab, { retryMs: 1 }).run(stop.signal);
    for (const id of ["first", "second"]) {
      lab.clock.now += CHAT.deliveryRetryMs;
      await lab.outbox.put({ id, address, content: { kind: "change", wanted: { kind: "rollback", receiptId: id } } });
      await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    }
    stop.abort();
    await running;
    const shown = lab.out.history.map(({ lines }) => JSON.stringify(lines));
    expect(shown.filter((words) => words.includes("is saved"))).toHaveLength(1);
    expect(shown.filter((words) => words.includes("A script asked"))).toHaveLength(2);
  });

  it("ends at once when it is stopped, also while it waits to look into the outbox again", async () => {
    const lab = await chatLab();
    const stop = new AbortController();
    const outbox = { watch: () => Promise.reject(new Error("no more files")) };
    const running = deliveryOf(lab, { outbox, retryMs: APPLY.outboxTtlMs }).run(stop.signal);
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await running;
    expect(lab.out.history).toEqual([]);
  });

  it("lets the host say what the operator's log may know of its errors", async () => {
    const logged: unknown[] = [];
    const lab = await chatLab({
      log: createLog(
        (line) => logged.push(JSON.parse(line)),
        () => 0,
      ),
    });
    await lab.outbox.put({ id: "one", address, content: { kind: "receipt", receiptId: "job-00000001" } });
    await lab.receipts.put(receiptOf({ id: "job-00000001", agentId: "main", profileId: "work", requestedBy: address }));
    lab.out.send = () => Promise.reject(new Error("a text of a chat"));
    const port = { asker: () => lab.asker, out: () => lab.out, errorFields: () => ({ telegramCode: 403 }) };
    expect(await deliverAll(lab, deliveryOf(lab, { port }))).toEqual([false]);
    expect(logged).toMatchObject([{ event: "outbox.deliver", kind: "receipt", telegramCode: 403 }]);
    expect(JSON.stringify(logged)).not.toContain("a text of a chat");
  });

  it("shows a question or a reminder as a new message, never in place of another", async () => {
    const lab = await parkedLab("approval-needed");
    const [parked] = await lab.parked.list();
    const shown = await lab.out.send({ lines: [["an older message"]] });
    for (const kind of ["approval", "reminder"] as const) {
      const content = { kind, parkedId: parked?.id ?? "" };
      await lab.outbox.put({ id: kind, address: { ...address, messageId: shown }, content });
    }
    expect(await deliverAll(lab, deliveryOf(lab))).toEqual([true, true, true]);
    expect(lab.out.messages.get(shown)).toEqual({ lines: [["an older message"]] });
    expect(lab.out.messages.size).toBe(4);
  });

  it("asks for approval of what a script brought, with buttons that work", async () => {
    const lab = await parkedLab("approval-needed");
    expect(await deliverAll(lab, deliveryOf(lab))).toEqual([true]);
    expect(lab.out.last).toContain("A script on this machine asks to save a login.");
    expect(await lab.queue.list()).toEqual([]);
    await lab.press("Replace what");
    expect(await lab.queue.list()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("reminds of a login that waits, and says nothing where it waits no more", async () => {
    const lab = await parkedLab("other-identity");
    await deliverAll(lab, deliveryOf(lab));
    expect(lab.out.last).toContain("still waits for your decision");
    expect(lab.out.last).toContain("bob@example.com");
    const [parked] = await lab.parked.list();
    await lab.parked.discard(parked?.id ?? "");
    const shown = lab.out.history.length;
    expect(await deliverAll(lab, deliveryOf(lab))).toEqual([true]);
    expect(lab.out.history).toHaveLength(shown);
  });
});
