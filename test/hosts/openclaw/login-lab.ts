// A plugin that signs in at a sandbox issuer, with a Bot API that takes messages out of chats.

import { createServer } from "node:http";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { startSandboxIssuer, type SandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { OWNER, pluginLab, type PluginLab } from "./plugin-lab.ts";

/** The token of the gateway's own bot. */
export const BOT_TOKEN = "123456:a-token-of-a-test";

/** A Bot API that only deletes; `canDelete` false refuses. */
async function botApi() {
  const deleted: { chat: string; message: number }[] = [];
  const state = { canDelete: true, url: "", deleted };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const isRight = request.method === "POST" && request.url === `/bot${BOT_TOKEN}/deleteMessage`;
      if (!isRight || !state.canDelete) {
        response
          .writeHead(400)
          .end(JSON.stringify({ ok: false, description: "Bad Request: message can't be deleted" }));
        return;
      }
      const { chat_id: chat, message_id: message } = JSON.parse(body) as { chat_id: string; message_id: number };
      deleted.push({ chat, message });
      response.end(JSON.stringify({ ok: true, result: true }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  state.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return state;
}

/** Everything of it. */
export interface LoginLab extends PluginLab {
  readonly issuer: SandboxIssuer;
  readonly bot: Awaited<ReturnType<typeof botApi>>;
  readonly clock: ManualClock;
  /** The address of the sign-in page that was shown last. */
  page(): string;
}

/** A loaded plugin whose clock stands; its service is not started yet. */
export async function loginLab({ version = "2026.4.5", hasAccount = true } = {}): Promise<LoginLab> {
  const clock = new ManualClock();
  const bot = await botApi();
  const accounts = ["alice", "carol"].map((name) => ({
    email: `${name}@example.com`,
    userId: `user-${name}`,
    accountId: `account-${name}`,
    planType: "plus",
  }));
  const issuer = await startSandboxIssuer({ accounts, now: clock.now });
  onTestFinished(() => issuer.close());
  const telegram = hasAccount ? { botToken: BOT_TOKEN, apiRoot: bot.url } : {};
  const lab = await pluginLab({
    version,
    settings: { commands: { ownerAllowFrom: [`telegram:${OWNER}`] }, channels: { telegram } },
    variables: { CODEX_AUTH_ISSUER: issuer.origin },
    now: clock.now,
    wait: clock.wait,
  });
  return { ...lab, issuer, bot, clock, page: () => /<(http[^>]*authorize[^>]*)>/.exec(lab.last())?.[1] ?? "" };
}
