// Our bot beside a lab's OpenClaw: the real chat, queue and worker process, a fake Telegram and the sandbox issuer.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchWorker } from "../../../src/apply/launch.ts";
import { ChatRouter } from "../../../src/chat/router.ts";
import type { Config } from "../../../src/config/config.ts";
import { leaseFileSchema, leaseSettings } from "../../../src/config/lease-settings.ts";
import { leaseValues } from "../../../src/config/lease-variables.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { approversOf, buildChatServices, buildParts, mayAsk, type Parts } from "../../../src/hosts/services.ts";
import { runTelegramBot, type RunningBot } from "../../../src/hosts/telegram/run.ts";
import type { SandboxAccount } from "../../../src/sandbox/issuer-state.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { PATIENCE_MS } from "./gateway.ts";
import type { OpenClawHome } from "./home.ts";

/** The one person who may use the bot. */
export const OWNER = 4242;
const WORKER = fileURLToPath(new URL("../../../dist/hosts/worker/main.js", import.meta.url));

/** A bot at work in a lab. */
export interface LabBot {
  readonly telegram: FakeTelegram;
  readonly issuer: SandboxIssuer;
  readonly parts: Parts;
  /** What the bot logged and printed. */
  readonly output: readonly string[];
  /** Ends the bot and starts another one, which knows nothing but the disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** What a bot may be told beside its home. */
interface LabBotOptions {
  /** Those whom the sandbox issuer knows. Default: the issuer's own. */
  readonly accounts?: readonly SandboxAccount[];
  /** `AUTH_MANAGER_*`. Default: no broker. */
  readonly lease?: Readonly<Record<string, string>>;
}

/** Starts the bot for the OpenClaw of `home`. It does not keep the lease: that is the keeper's. */
export async function startLabBot(
  home: OpenClawHome,
  activation: Config["activation"],
  { accounts, lease = {} }: LabBotOptions = {},
): Promise<LabBot> {
  const [telegram, issuer] = [
    await FakeTelegram.start({ answerWithinMs: PATIENCE_MS }),
    await startSandboxIssuer(accounts === undefined ? {} : { accounts }),
  ];
  const variables = {
    HOME: home.home,
    PATH: process.env["PATH"] ?? "",
    TMPDIR: home.tmp,
    CODEX_AUTH_ACTIVATION: activation,
    CODEX_AUTH_ALLOW_FROM: String(OWNER),
    CODEX_AUTH_ISSUER: issuer.origin,
  };
  const environment = { ...readEnvironment({ ...variables, ...lease }), tmp: home.tmp };
  const output: string[] = [];
  const log = createLog((line) => output.push(line), Date.now);
  const config: Config = {
    telegram: { botToken: Secret.of(telegram.token), allowFrom: [String(OWNER)], apiRoot: telegram.url },
    agentId: "main",
    activation,
    restartCommand: undefined,
    allowUnattended: false,
    issuer: issuer.origin,
    // Nobody answers there: no test of a real gateway asks for usage.
    usageServer: "http://127.0.0.1:9",
    timeZone: undefined,
    lease: leaseSettings(leaseFileSchema.parse(leaseValues(environment.lease)), {
      home: home.home,
      hostname: "lab",
      configPath: join(home.home, "config.json"),
    }),
  };
  const parts = buildParts({
    environment,
    config,
    log,
    launch: () => launchWorker({ entry: WORKER, variables, placement: "fork" }),
  });
  const start = async (): Promise<RunningBot> =>
    runTelegramBot({
      token: Secret.of(telegram.token),
      apiRoot: telegram.url,
      router: new ChatRouter(await buildChatServices(parts)),
      engine: parts.engine,
      allow: (asker) => mayAsk(parts, asker),
      approvers: () => approversOf(parts),
      settingsPath: parts.own.config,
      now: Date.now,
      log,
      print: (line) => output.push(line),
    });
  let bot = await start();
  return {
    telegram,
    issuer,
    parts,
    output,
    restart: async () => {
      await bot.stop();
      bot = await start();
    },
    stop: async () => {
      await bot.stop();
      await telegram.close();
      await issuer.close();
    },
  };
}

/** Signs `email` in as the profile of a sign-in card: gives the address on which the browser ends. */
export async function signIn(bot: LabBot, profile: string, email: string): Promise<string> {
  bot.telegram.person(OWNER).sends(`/codex_auth paste ${profile}`);
  const card = await bot.telegram.shows(OWNER, /Open the sign-in page/, PATIENCE_MS);
  const sent = bot.telegram.everything(OWNER).findLast(({ messageId }) => messageId === card.messageId);
  const url = sent?.buttons.find((button) => button.url !== undefined)?.url ?? "";
  return bot.issuer.approve(url, email);
}
