import { describe, expect, it } from "vitest";
import type { Job } from "../../src/apply/job.ts";
import { ProgressBoard } from "../../src/chat/progress.ts";
import { lineText } from "../../src/chat/reply.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { alice, chatLab, signedIn } from "./chat-lab.ts";
import { end, move } from "./job-play.ts";

async function enqueued(options: Partial<ChatServices> = {}): Promise<Awaited<ReturnType<typeof chatLab>>> {
  const lab = await chatLab(options);
  await lab.writeStore({ work: alice });
  lab.signIns.next = async () => signedIn(alice);
  await lab.say("work");
  await lab.text(lab.signIns.callback("a1"));
  return lab;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("the condition did not come true");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("progress of a job", () => {
  it("is shown step by step in one message, with Cancel only until it is written", async () => {
    const lab = await enqueued();
    const { lastId } = lab.out;
    const line = (): string => lineText(lab.out.messages.get(lastId)?.lines[0] ?? []);
    await until(() => lab.out.lastReply.buttons !== undefined);
    expect(line()).toBe("work: queued");
    expect(lab.out.button("Cancel").typed).toBe("/codex_auth cancel");
    const steps: readonly Parameters<typeof move>[1][] = [
      { state: "prepared", progress: { step: "waiting-for-store", at: 0, waitMs: 130_000 } },
      { progress: { step: "writing", at: 1 } },
      { state: "written", progress: { step: "stopping", at: 2 } },
      { progress: { step: "starting", at: 3 } },
      { state: "activated", progress: { step: "healthy", at: 4 }, healthyAfterMs: 3_400 },
    ];
    for (const step of steps) {
      const before = line();
      await move(lab, step);
      await until(() => line() !== before);
    }
    expect(line()).toBe(
      "work: queued → waiting for OpenClaw to let go of its store (up to 2 min) → writing → stopping → starting → healthy in 3.4 s",
    );
    expect(lab.out.messages.get(lastId)?.buttons).toBeUndefined();
    expect(lab.out.lastId).toBe(lastId);
    await end(lab);
    await lab.router.idle();
  });

  it("is shown no further to somebody who was taken off the allow-list on the way", async () => {
    const people = new Set(["1"]);
    const lab = await enqueued({ allow: ({ personId }) => people.has(personId) });
    await until(() => lab.out.lastReply.buttons !== undefined);
    people.clear();
    await move(lab, { state: "written", progress: { step: "stopping", at: 2 } });
    await end(lab);
    await lab.router.idle();
    expect(lineText(lab.out.lastReply.lines[0] ?? [])).toBe("work: queued");
  });

  it("is given up by its button before it is written, and not after", async () => {
    const lab = await enqueued();
    await until(() => lab.out.lastReply.buttons !== undefined);
    const [job] = await lab.queue.open();
    const { data } = lab.out.button("Cancel");
    await lab.incoming({ kind: "press", data, messageId: lab.out.lastId });
    expect(await lab.queue.isCancelRequested(job?.id ?? "")).toBe(true);
    const theirs = await enqueued();
    await theirs.say("cancel", { personId: "2", chatId: "2" });
    expect(await theirs.queue.isCancelRequested((await theirs.queue.open())[0]?.id ?? "")).toBe(false);
    await theirs.say("cancel");
    expect(await theirs.queue.isCancelRequested((await theirs.queue.open())[0]?.id ?? "")).toBe(true);
    const other = await enqueued();
    await until(() => other.out.lastReply.buttons !== undefined);
    const button = other.out.button("Cancel");
    const running = await move(other, { state: "written", progress: { step: "writing", at: 1 } });
    await other.incoming({ kind: "press", data: button.data, messageId: other.out.lastId });
    expect(await other.queue.isCancelRequested(running.id)).toBe(false);
    expect(other.out.everything).toContain("already being written");
  });

  it("goes on in the same message after the bot was restarted", async () => {
    const lab = await enqueued();
    const { lastId } = lab.out;
    await lab.router.close();
    const next = await chatLab({ ...lab.services, engine: lab.services.engine });
    const shown = await next.router.resume("telegram", () => ({ asker: lab.asker, out: next.out }));
    expect(shown).toBe(1);
    await move(lab, { state: "written", progress: { step: "reloading", at: 1 } });
    await until(() => next.out.messages.get(lastId)?.lines[0]?.includes("queued → reloading") === true);
    expect(await next.router.resume("terminal", () => ({ asker: lab.asker, out: next.out }))).toBe(0);
    await next.router.close();
  });

  it("keeps a rest between two edits, skips what passed meanwhile, and always shows the last step", async () => {
    const lab = await enqueued();
    await lab.router.close();
    const [job] = await lab.queue.open();
    if (job === undefined) throw new Error("no job");
    const edits: string[] = [];
    let change: ((job: Job) => void) | undefined;
    let finish: ((job: Job) => void) | undefined;
    let watched = 0;
    const board = new ProgressBoard({
      watch: (_id, onChange) => {
        change = onChange;
        watched += 1;
        return new Promise((resolve) => (finish = resolve));
      },
      // Longer than this test may take: whatever is shown meanwhile did not wait for it.
      everyMs: 60_000,
      log: silentLog,
    });
    const out = {
      edit: async (id: string, reply: { lines: readonly unknown[] }) => (edits.push(JSON.stringify(reply.lines)), id),
    };
    board.follow({ job, messageId: "m", out, render: (_job, trail) => ({ lines: [[trail.join(" → ")]] }) });
    await until(() => edits.length === 1);
    change?.({ ...job, progress: { step: "writing", at: 1 } });
    change?.({ ...job, progress: { step: "reloading", at: 2 } });
    expect(edits).toEqual(['[["queued"]]']);
    board.follow({ job, messageId: "other", out, render: () => ({ lines: [["twice"]] }) });
    expect(watched).toBe(1);
    finish?.(job);
    await board.idle();
    expect(edits).toEqual(['[["queued"]]', '[["queued → writing → reloading"]]']);
  });

  it("survives a chat that cannot be edited", async () => {
    const lab = await enqueued();
    lab.out.edit = () => Promise.reject(new Error("no network"));
    await move(lab, { state: "written", progress: { step: "reloading", at: 1 } });
    await end(lab);
    await lab.router.idle();
    expect(await lab.receipts.list()).toHaveLength(1);
  });
});
