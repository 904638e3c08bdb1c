import { describe, expect, it } from "vitest";
import { Delivery } from "../../src/chat/delivery.ts";
import { CHAT } from "../../src/config/defaults.ts";
import { alice, bob, chatLab, signedIn, type ChatLab } from "./chat-lab.ts";
import { end, move } from "./job-play.ts";

function deliveryOf(lab: ChatLab, overrides: { allow?: () => boolean; isFinal?: () => boolean } = {}): Delivery {
  const { allow, ...port } = overrides;
  return new Delivery({
    host: "telegram",
    outbox: lab.outbox,
    router: lab.router,
    services: { ...lab.services, ...(allow === undefined ? {} : { allow }) },
    port: { asker: () => lab.asker, out: () => lab.out, ...port },
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
  const requestedBy = { host: "telegram", chatId: "1", personId: "1" };
  const record = {
    ...login,
    agentId: "main",
    profileId: "openai-codex:work",
    reason,
    expiresAtMs: tokens.expiresAtMs,
    requestedBy,
  };
  const { id } = await lab.parked.put(record, tokens);
  await lab.outbox.put({
    id: "one",
    address: requestedBy,
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
    await move(lab, { state: "written", progress: { step: "reloading", at: 1 } });
    const [job] = await lab.queue.open();
    await end(lab);
    await deliverAll(lab, deliveryOf(lab));
    expect(lab.out.lastId).not.toBe(job?.requestedBy.messageId);
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
    expect(await deliverAll(lab, deliveryOf(lab, { allow: () => false }))).toEqual([true]);
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

  it("gives up where the host knows that no later try can help", async () => {
    const lab = await enqueued();
    await end(lab);
    lab.out.edit = () => Promise.reject(new Error("blocked"));
    expect(await deliverAll(lab, deliveryOf(lab, { isFinal: () => true }))).toEqual([true]);
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
