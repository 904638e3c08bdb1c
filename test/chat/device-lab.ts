// A chat whose sign-ins are the real ones, against the sandbox issuer, on a clock that the test moves.

import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { DeviceSignIns } from "../../src/chat/device-sign-ins.ts";
import { ChatRouter } from "../../src/chat/router.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { IssuerSignIns } from "../../src/chat/sign-ins.ts";
import { SECOND } from "../../src/config/defaults.ts";
import { parseIssuer } from "../../src/oauth/issuer.ts";
import { PendingLogins } from "../../src/oauth/pending.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { createLog } from "../../src/secrets/log.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { alice, bob, chatLab, type ChatLab } from "./chat-lab.ts";

/** alice has a second workspace. */
const ACCOUNTS = [
  ...[alice, bob].map(({ user, email = "", plan = "" }) => ({
    email,
    userId: `user-${user}`,
    accountId: `acc-${user}`,
    planType: plan,
  })),
  { email: alice.email ?? "", userId: "user-alice", accountId: "acc-team", planType: "team" },
];

/** Everything a test of device sign-ins needs. */
export interface DeviceLab {
  readonly chat: ChatLab;
  readonly issuer: SandboxIssuer;
  readonly clock: ManualClock;
  readonly devices: DeviceSignIns;
  readonly pending: PendingLogins;
  readonly services: ChatServices;
  /** Whoever is in it is off the allow-list. */
  readonly gone: Set<string>;
  /** Lines of the operator's log. */
  readonly logged: string[];
  /** The code that the last card shows. */
  code(): string;
  /** Lets the next look at the server happen, and waits until the one after it is waited for. */
  look(ms?: number): Promise<void>;
  /** Lets the next look happen, which is the last one. */
  lastLook(): Promise<void>;
  /** How often the server was asked whether the code was entered. */
  looks(): number;
  /** Names of the records of codes on the disk. */
  onDisk(): Promise<readonly string[]>;
  /** Another process of the host, after the first one has ended. */
  restart(): Promise<ChatRouter>;
}

/** A chat with device codes; `seconds` is the server's interval, `more` is of the chat. */
export async function deviceLab(
  seconds: string | number = "5",
  more: Pick<Partial<ChatServices>, "codesOnly"> = {},
): Promise<DeviceLab> {
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 12));
  const sandbox = await startSandboxIssuer({ accounts: ACCOUNTS, now: clock.now });
  onTestFinished(() => sandbox.close());
  sandbox.device.interval = seconds;
  const folder = join(await temporaryFolder(), "pending");
  const issuer = parseIssuer(sandbox.origin);
  const { now, wait } = clock;
  const pending = new PendingLogins({ folder, issuer, now, randomBytes });
  const devices = new DeviceSignIns({ folder: join(folder, "device"), pending, issuer, now, wait });
  const gone = new Set<string>();
  const logged: string[] = [];
  const chat = await chatLab({
    signIns: new IssuerSignIns({ pending, issuer, now }),
    devices,
    now,
    allow: ({ personId }) => !gone.has(personId),
    log: createLog((line) => logged.push(line), now),
    ...more,
  });
  let router = chat.router;
  const onDisk = async (): Promise<readonly string[]> => readdir(join(folder, "device")).catch(() => []);
  return {
    chat,
    issuer: sandbox,
    clock,
    devices,
    pending,
    services: chat.services,
    gone,
    logged,
    code: () => /[A-Z0-9]{4}-[A-Z0-9]{5}/.exec(chat.out.last)?.[0] ?? "",
    look: (ms = Number(seconds) * SECOND) => clock.pass(ms),
    lastLook: async () => {
      await clock.rests();
      clock.advance(Number(seconds) * SECOND);
      await router.codesEntered();
    },
    looks: () => sandbox.log.filter(({ path }) => path.endsWith("/deviceauth/token")).length,
    onDisk,
    restart: async () => {
      await router.close();
      router = new ChatRouter(chat.services);
      onTestFinished(() => router.close());
      await router.resume("telegram", ({ chatId, personId }) => ({
        asker: { ...chat.asker, chatId, personId },
        out: chat.out,
      }));
      return router;
    },
  };
}
