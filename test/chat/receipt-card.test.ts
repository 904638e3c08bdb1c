import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/apply/receipt.ts";
import { plainText } from "../../src/chat/reply.ts";
import { alice, bob, chatLab } from "./chat-lab.ts";
import { receiptOf } from "./job-play.ts";

const job = {
  id: "job-0123456789abcdef",
  agentId: "main",
  profileId: "openai-codex:work",
  requestedBy: { host: "telegram", chatId: "1", personId: "1" },
};

describe("the final answer", () => {
  it.each<[Receipt["activation"], string]>([
    [
      { asked: "auto", used: "restart", proven: "restarted", healthyAfterMs: 3_400 },
      "The gateway was restarted, healthy in 3.4 s.",
    ],
    [
      { asked: "auto", used: "restart", proven: "listed-by-gateway", healthyAfterMs: 3_400 },
      "The gateway was restarted, healthy in 3.4 s, and lists the profile.",
    ],
    [{ asked: "auto", used: "reload", proven: "reloaded" }, "The gateway reloaded its logins."],
    [
      { asked: "restart", used: "reload", proven: "reloaded" },
      "Made inside OpenClaw, where a change is in force at once: nothing had to be restarted.",
    ],
    [
      { asked: "none", used: "reload", proven: "listed-by-gateway" },
      "Made inside OpenClaw, where a change is in force at once.",
    ],
    [
      { asked: "none", used: "none", proven: "not-running" },
      "The gateway is not running; it reads this at its next start.",
    ],
    [
      { asked: "none", used: "none", proven: "unproven" },
      "It could not be seen whether the running gateway uses it yet; a restart of the gateway makes sure.",
    ],
  ])("claims no more about the gateway than was seen: %j", async (activation, words) => {
    const lab = await chatLab();
    const reply = await lab.router.renderReceipt(receiptOf(job, { activation }), lab.asker);
    expect(plainText(reply).split("\n")).toContain(words);
  });

  it.each(["rolled-back", "done"] as const)(
    "says that the gateway is down where a restart ended in nothing, and how to start it: %s",
    async (outcome) => {
      const lab = await chatLab();
      const problem = { code: "ERR_GATEWAY_UNHEALTHY", message: "It has not become ready.", next: "Look at its log." };
      const textOf = async (gatewayAfter: "running" | "stopped"): Promise<string> => {
        const activation = { asked: "restart", used: "restart", proven: "unproven", gatewayAfter } as const;
        return plainText(await lab.router.renderReceipt(receiptOf(job, { outcome, problem, activation }), lab.asker));
      };
      expect(await textOf("stopped")).toMatch(/does not run now: start it, .*openclaw gateway start/);
      expect(await textOf("running")).not.toContain("does not run");
    },
  );

  it("says that a restart is owed where the gateway runs on after an undo, and only there", async () => {
    const lab = await chatLab();
    const textOf = async (activation: Partial<Receipt["activation"]>): Promise<string> => {
      const whole = { asked: "restart", used: "restart", proven: "unproven", ...activation } as const;
      const receipt = receiptOf(job, { outcome: "rolled-back", activation: whole });
      return plainText(await lab.router.renderReceipt(receipt, lab.asker));
    };
    const owed = /could not be restarted after that: it may not use the earlier value yet\. .*openclaw gateway restart/;
    expect(await textOf({ isRestartOwed: true, gatewayAfter: "running" })).toMatch(owed);
    // Where it cannot be told whether it runs, too.
    expect(await textOf({ isRestartOwed: true })).toMatch(owed);
    const stopped = await textOf({ isRestartOwed: true, gatewayAfter: "stopped" });
    expect(stopped).not.toMatch(owed);
    expect(stopped).toContain("does not run now");
    expect(await textOf({ gatewayAfter: "running" })).not.toMatch(owed);
  });

  it("names a leased credential by what the broker calls it, and nobody as signed in", async () => {
    const lab = await chatLab();
    const leased = { kind: "save-lease", label: "alpha@example.com", leaseId: "lease_1" } as const;
    const text = plainText(await lab.router.renderReceipt(receiptOf(job, leased), lab.asker));
    expect(text).toContain("The leased login, as work, is saved.");
    expect(text).toContain("Credential alpha@example.com");
    expect(text).not.toContain("Signed in");
    const group = { ...lab.asker, private: false };
    expect(plainText(await lab.router.renderReceipt(receiptOf(job, leased), group))).not.toContain("@");
    const failed = receiptOf(job, { ...leased, outcome: "failed" });
    expect(plainText(await lab.router.renderReceipt(failed, lab.asker))).toContain("was not changed");
  });

  it("says that leased tokens are gone, or why nothing was removed", async () => {
    const lab = await chatLab();
    const removal = { kind: "remove-lease" } as const;
    const textOf = async (more: Partial<Receipt>): Promise<string> =>
      plainText(await lab.router.renderReceipt(receiptOf(job, { ...removal, ...more }), lab.asker));
    expect(await textOf({})).toContain("The leased login was removed from work.");
    expect(await textOf({ note: "there is another login" })).toContain(
      "Nothing was removed from work: there is another login",
    );
    expect(await textOf({ outcome: "failed" })).toContain("could not be removed");
  });

  it("tells of a new order, removed copies and an interrupted worker, and names the agent where there are several", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.writeStore({ mine: bob }, { agent: "ops" });
    const receipt = receiptOf(job, {
      order: { written: ["openai-codex:work", "openai-codex:home"], wasImplicit: true },
      removedCopies: ["ops"],
      interrupted: true,
    });
    const text = plainText(await lab.router.renderReceipt(receipt, lab.asker));
    expect(text).toContain("✅ work of agent main is saved.");
    expect(text).toContain("Order: work, home. There was none before");
    expect(text).toContain("Removed the second copy of this login from: ops.");
    expect(text).toContain("taken up again");
  });

  it("of a saved login offers to take it back where that can be done, and not where it took another one's place", async () => {
    const lab = await chatLab();
    const labels = async (more: Partial<Receipt>): Promise<readonly string[]> =>
      ((await lab.router.renderReceipt(receiptOf(job, more), lab.asker)).buttons ?? [])
        .flat()
        .map(({ label }) => label);
    const file = { path: "/store", before: null, after: "b" };
    const undo = ["↩️ Undo: work saved"];
    expect(await labels({ files: [file] })).toEqual(undo);
    expect(await labels({ files: [{ ...file, before: "a" }] })).toEqual([]);
    const ordered = { ...file, before: "a", orderBefore: null, orderAfter: ["openai-codex:work"] };
    expect(await labels({ files: [ordered] })).toEqual(undo);
    for (const more of [
      { outcome: "failed" },
      { kind: "save-lease", label: "alpha" },
      { note: "nothing to do" },
      { kind: "renew-login" },
    ] as const)
      expect(await labels({ files: [file], ...more })).toEqual([]);
  });

  it("of a rollback says why, what now, and where the login is", async () => {
    const lab = await chatLab();
    const problem = {
      code: "ERR_GATEWAY_UNHEALTHY",
      message: "The gateway did not come back.",
      next: "Look at `doctor`.",
    };
    const receipt = receiptOf(job, { outcome: "rolled-back", problem, parkedId: "p-1" });
    const reply = await lab.router.renderReceipt(receipt, lab.asker);
    expect(plainText(reply)).toBe(
      "❌ work was not kept: the earlier value is back.\n⚠️ The gateway did not come back.\n→ Look at doctor.\n" +
        "📥 The login is kept and waits for your decision.\n\nLook at the login: /codex_auth parked",
    );
    expect(reply.lines.flat()).toContainEqual({ text: "doctor", style: "code" });
  });

  it.each(["parked", "cancelled"] as const)("of a %s job does not say that anything was saved", async (outcome) => {
    const lab = await chatLab();
    const text = plainText(await lab.router.renderReceipt(receiptOf(job, { outcome }), lab.asker));
    expect(text).not.toMatch(/is saved|Signed in|✅/);
  });

  it("shows a group no address", async () => {
    const lab = await chatLab();
    const receipt = receiptOf({ ...job, profileId: "openai-codex:alice@example.com" }, { email: "alice@example.com" });
    expect(plainText(await lab.router.renderReceipt(receipt, { ...lab.asker, private: false }))).not.toContain("@");
  });

  it("shows outside text cleaned and as data", async () => {
    const lab = await chatLab();
    const problem = { code: "X", message: `bad\u202E\n<b>${"x".repeat(1_000)}`, next: "a\u0007b" };
    const text = plainText(await lab.router.renderReceipt(receiptOf(job, { outcome: "parked", problem }), lab.asker));
    expect(text).not.toMatch(/\p{Cf}|[^\P{Cc}\n]/u);
    expect(text.length).toBeLessThan(700);
  });
});
