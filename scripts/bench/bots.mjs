// Our bot and a bare grammY one, each a process at a fake Telegram server of its own: what reply and idle compare.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compiled } from "./compiled.mjs";
import { storeOf } from "./store-lab.mjs";

const FSYNC_COUNT = new URL("fsync-count.mjs", import.meta.url).href;
const PROGRAM = fileURLToPath(new URL("../../bin/codex-auth-skill.js", import.meta.url));
const ECHO = fileURLToPath(new URL("echo-bot.mjs", import.meta.url));
const WITHIN_MS = 60_000;

/** The one person who may use them. */
export const OWNER = 4242;

/** Starts both in `folder`; `counted` where the fsyncs of ours are to be counted. Close what it gives. */
export async function startBots(folder, { counted = false } = {}) {
  const { FakeTelegram } = await compiled("test/support/fake-telegram/fake-telegram.ts");
  const [forOurs, forBare] = [await FakeTelegram.start(), await FakeTelegram.start()];
  const { storePath } = await storeOf(folder, 3);
  const home = join(folder, "3");
  const shared = { HOME: home, TMPDIR: folder };
  const ours = await bot(forOurs, counted ? ["--import", FSYNC_COUNT, PROGRAM, "bot"] : [PROGRAM, "bot"], {
    ...shared,
    CODEX_AUTH_BOT_TOKEN: forOurs.token,
    CODEX_AUTH_ALLOW_FROM: String(OWNER),
    CODEX_AUTH_API_ROOT: forOurs.url,
  });
  const bare = await bot(forBare, [ECHO, forBare.url], { ...shared, BOT_TOKEN: forBare.token });
  const close = async () => {
    for (const { child } of [ours, bare]) {
      if (child.exitCode === null && child.kill()) await once(child, "exit");
    }
    await Promise.all([forOurs.close(), forBare.close()]);
  };
  return { ours, bare, storePath, close };
}

async function bot(telegram, args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  let said = "";
  await new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes("listens")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`a bot ended with ${code}: ${said}`)));
  });
  const owner = telegram.person(OWNER);
  /** From when to when answers were waited for, in milliseconds since 1970. */
  const waits = [];
  /** Does `act` and gives the milliseconds until the bot has sent or edited a message. */
  const answered = async (act) => {
    // What a bot still does after its answer to the last update is not to delay this one: a person takes longer than that.
    await telegram.waitFor(
      () => telegram.updates.pending().length === 0,
      () => "that the last update is done with",
      WITHIN_MS,
    );
    let looked = telegram.calls.length;
    const began = performance.now();
    act(owner);
    // When it came, and not when we heard of it: the bot goes on, and what it writes then is not before its answer.
    const ended = await telegram.waitFor(
      () => {
        while (looked < telegram.calls.length)
          if (/^(?:sendMessage|editMessageText)$/i.test(telegram.calls[looked++].method)) return performance.now();
        return undefined;
      },
      () => "an answer",
      WITHIN_MS,
    );
    waits.push([began, ended].map((at) => performance.timeOrigin + at));
    return ended - began;
  };
  /** How many fsyncs there were while answers were waited for. */
  const fsyncsBeforeAnswers = async () => {
    const told = once(child, "message");
    child.send("fsyncs");
    const [times] = await told;
    return times.filter((at) => waits.some(([from, to]) => at >= from && at <= to)).length;
  };
  return { child, telegram, answered, fsyncsBeforeAnswers };
}
