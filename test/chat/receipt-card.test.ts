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
