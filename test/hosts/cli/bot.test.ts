// The program as `npm start` runs it with a bot set up: a real process, its own worker, a fake Telegram.

import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { SOON, workersOf } from "../../support/launch-lab.ts";
import { openClawHome } from "./cli-lab.ts";
import { shownSecrets } from "../../support/shown-secrets.ts";

const OWNER = 4242;
const STRANGER = 777;

describe("the program with a bot token and an allow-list", () => {
  it("is the bot: signs a profile in, names ignored senders to the operator only, and ends in order", async () => {
    const { home, start, world } = await openClawHome();
    const telegram = await FakeTelegram.start();
    const issuer = await startSandboxIssuer();
    onTestFinished(async () => {
      await telegram.close();
      await issuer.close();
    });
    const child = start([], {
      CODEX_AUTH_BOT_TOKEN: telegram.token,
      CODEX_AUTH_ALLOW_FROM: String(OWNER),
      CODEX_AUTH_API_ROOT: telegram.url,
      CODEX_AUTH_ISSUER: issuer.origin,
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = once(child, "close") as Promise<[number | null, string | null]>;
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output, SOON).toContain("listens");

    telegram.person(STRANGER).sends("/codex_auth");
    await expect.poll(() => output, SOON).toContain(String(STRANGER));
    telegram.person(OWNER).sends("/codex_auth paste work");
    const card = await telegram.shows(OWNER, /Open the sign-in page/);
    const sent = telegram.everything(OWNER).findLast(({ messageId }) => messageId === card.messageId);
    const url = sent?.buttons.find((button) => button.url !== undefined)?.url ?? "";
    telegram.person(OWNER).sends(issuer.approve(url, "grace@example.com"));
    const question = await telegram.shows(OWNER, /Signed in as grace@example\.com/);
    await telegram.person(OWNER).presses(question.messageId, "Save and use first").answer;
    await telegram.shows(OWNER, /✅ work is saved/, 15_000);

    expect(world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
    expect(telegram.visible(STRANGER).filter(({ from }) => from === "bot")).toEqual([]);
    expect(shownSecrets(output + telegram.botOutput())).toEqual([]);
    expect(output).not.toContain(telegram.token);
    child.kill("SIGTERM");
    expect((await ended)[0], output).toBe(0);
    // The worker outlives the bot: it still writes down the end that was told.
    await expect.poll(() => workersOf(join(home, ".openclaw")), SOON).toEqual([]);
  }, 60_000);

  it("says in one sentence that the token is not valid, or used by another program", async () => {
    const { call } = await openClawHome();
    const telegram = await FakeTelegram.start();
    onTestFinished(() => telegram.close());
    const env = {
      CODEX_AUTH_ALLOW_FROM: String(OWNER),
      CODEX_AUTH_API_ROOT: telegram.url,
      CODEX_AUTH_BOT_TOKEN: `999:${"y".repeat(30)}`,
    };
    const { code, stderr } = await call(["bot"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("BotFather");
    expect(stderr).not.toContain("yyyy");
  });
});
