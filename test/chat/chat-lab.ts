// A chat on real stores, queue and parked logins in a temp folder; sign-ins come from memory, replies are recorded.

import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ApplyEngine } from "../../src/apply/engine.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { Outbox } from "../../src/apply/outbox.ts";
import { ParkedLogins } from "../../src/apply/parked.ts";
import { Receipts } from "../../src/apply/receipt.ts";
import { ButtonCodec } from "../../src/chat/button.ts";
import type { Asker, Incoming, Outgoing } from "../../src/chat/conversation.ts";
import { Invitations } from "../../src/chat/invitations.ts";
import { ShownLists } from "../../src/chat/lists.ts";
import { lineText, plainText, type Button, type Reply } from "../../src/chat/reply.ts";
import { Revocations } from "../../src/chat/revocations.ts";
import { ChatRouter } from "../../src/chat/router.ts";
import type { ChatServices, SignedIn, SignInAttempt, SignIns, SignInTarget } from "../../src/chat/services.ts";
import { DAY, MINUTE } from "../../src/config/defaults.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths, ownPaths, type OwnPaths } from "../../src/config/paths.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { parseIssuer } from "../../src/oauth/issuer.ts";
import { notSet } from "../../src/lease/service.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { UsageRecords } from "../../src/usage/usage-records.ts";
import { UsageService } from "../../src/usage/usage-service.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** One person's login, as text for a store or as what the issuer gave. */
export interface Account {
  readonly user: string;
  readonly email?: string;
  readonly plan?: string;
  readonly expiresAtMs: number;
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** An access token with the claims of `account`, made at run time. */
export function accessToken(account: Account): string {
  const auth = {
    chatgpt_account_id: `acc-${account.user}`,
    chatgpt_user_id: `user-${account.user}`,
    chatgpt_plan_type: account.plan,
  };
  const payload = {
    exp: account.expiresAtMs / 1_000,
    "https://api.openai.com/profile": { email: account.email },
    "https://api.openai.com/auth": auth,
  };
  return [part({ alg: "none" }), part(payload), "signature"].join(".");
}

/** What the issuer gives for `account`. */
export function signedIn(account: Account): SignedIn {
  return {
    tokens: {
      access: Secret.of(accessToken(account)),
      refresh: Secret.of(`refresh-of-${account.user}`),
      expiresAtMs: account.expiresAtMs,
    },
    identity: { userId: `user-${account.user}`, accountId: `acc-${account.user}` },
    ...(account.email === undefined ? {} : { email: account.email }),
    ...(account.plan === undefined ? {} : { planType: account.plan }),
  };
}

/** Sign-ins in memory: the issuer gives what `next` holds. */
class MemorySignIns implements SignIns {
  next: () => Promise<SignedIn> = () => Promise.reject(new Error("no login was prepared"));
  readonly burnt: string[] = [];
  /** What each start asked the sign-in page for. */
  readonly hints: Omit<SignInTarget, "agentId" | "profileId">[] = [];
  readonly #attempts = new Map<string, { attempt: SignInAttempt; owner: string }>();
  #count = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The address that ends the attempt `id`. */
  callback(id: string): string {
    return `http://localhost:1455/auth/callback?code=the-secret-code-${id}&state=the-secret-state-${id}`;
  }

  async start(
    asker: Asker,
    { agentId, profileId, ...hints }: SignInTarget,
  ): Promise<{ attempt: SignInAttempt; url: string }> {
    const id = `a${++this.#count}`;
    this.hints.push(hints);
    const attempt = { id, agentId, profileId, expiresAtMs: this.#now() + 10 * MINUTE };
    this.#attempts.set(id, { attempt, owner: ownerOf(asker) });
    return { attempt, url: `https://auth.example/authorize?attempt=${id}` };
  }

  async waiting(asker: Asker): Promise<readonly SignInAttempt[]> {
    return [...this.#attempts.values()].filter(({ owner }) => owner === ownerOf(asker)).map(({ attempt }) => attempt);
  }

  isCallback(text: string): boolean {
    return text.includes("/auth/callback?");
  }

  async claim(asker: Asker, pasted: string): Promise<{ attempt: SignInAttempt; exchange: () => Promise<SignedIn> }> {
    const id = /state=the-secret-state-(\w+)/.exec(pasted)?.[1] ?? "";
    const found = this.#attempts.get(id);
    if (found === undefined || found.owner !== ownerOf(asker)) {
      throw new CodexAuthError("ERR_CALLBACK_STATE", {
        message: "That address belongs to no sign-in of yours.",
        next: "Start again.",
      });
    }
    this.#attempts.delete(id);
    return { attempt: found.attempt, exchange: () => this.next() };
  }

  async burn(pasted: string): Promise<boolean> {
    const id = /state=the-secret-state-(\w+)/.exec(pasted)?.[1] ?? "";
    this.burnt.push(id);
    return this.#attempts.delete(id);
  }

  async cancel(asker: Asker, attemptId: string): Promise<boolean> {
    return this.#attempts.get(attemptId)?.owner === ownerOf(asker) && this.#attempts.delete(attemptId);
  }
}

function ownerOf(asker: Asker): string {
  return `${asker.chatId}/${asker.personId}`;
}

/** One chat as it was shown: messages by id in order, and the notes that answered presses. */
export class Recorder implements Outgoing {
  readonly messages = new Map<string, Reply>();
  readonly history: Reply[] = [];
  readonly toasts: string[] = [];
  deletions = 0;
  canDelete = true;
  events: string[] = [];

  async send(reply: Reply): Promise<string> {
    const id = `m${this.messages.size + 1}`;
    this.#record(id, reply, "send");
    return id;
  }

  async edit(messageId: string, reply: Reply): Promise<string> {
    this.#record(messageId, reply, "edit");
    return messageId;
  }

  async deleteIncoming(): Promise<boolean> {
    this.deletions += 1;
    this.events.push("delete");
    return this.canDelete;
  }

  async toast(text: string): Promise<void> {
    this.toasts.push(text);
  }

  #record(id: string, reply: Reply, how: string): void {
    this.messages.set(id, reply);
    this.history.push(reply);
    this.events.push(how);
  }

  /** The last message as it now is, with its text fallback. */
  get last(): string {
    return plainText(this.lastReply);
  }

  get lastReply(): Reply {
    return [...this.messages.values()].at(-1) ?? { lines: [] };
  }

  get lastId(): string {
    return [...this.messages.keys()].at(-1) ?? "";
  }

  /** Everything that was ever shown. */
  get everything(): string {
    return [...this.history.map((reply) => plainText(reply)), ...this.toasts].join("\n");
  }

  /** The button of the last message whose label holds `label`. */
  button(label: string): Extract<Button, { kind: "action" }> {
    const buttons = (this.lastReply.buttons ?? []).flat();
    const found = buttons.find((button) => button.label.includes(label));
    if (found?.kind === "action") return found;
    throw new Error(`no button "${label}" under: ${this.lastReply.lines.map(lineText).join(" / ")}`);
  }
}

/** Everything a test of the chat needs. */
export interface ChatLab {
  readonly router: ChatRouter;
  readonly services: ChatServices;
  readonly signIns: MemorySignIns;
  readonly out: Recorder;
  readonly asker: Asker;
  readonly paths: OwnPaths;
  readonly queue: JobQueue;
  readonly parked: ParkedLogins;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly invitations: Invitations;
  readonly clock: { now: number };
  /** How often an executor was asked for. */
  kicks(): number;
  /** Writes the store of an agent: profiles by short name, the order if any. */
  writeStore(
    profiles: Record<string, Account | "broken">,
    options?: { agent?: string; order?: readonly string[] },
  ): Promise<void>;
  storePath(agent?: string): string;
  say(args: string, as?: Partial<Asker>): Promise<string>;
  text(text: string, as?: Partial<Asker>): Promise<string>;
  press(label: string, as?: Partial<Asker>): Promise<string>;
  incoming(incoming: Incoming, as?: Partial<Asker>): Promise<"handled" | "ignored">;
}

/** A chat on an OpenClaw of its own. */
export async function chatLab({
  // Nobody listens there: a test that wants an answer brings a sandbox.
  issuer = "http://127.0.0.1:9",
  usageServer = "http://127.0.0.1:9",
  ...options
}: Partial<ChatServices> & { readonly issuer?: string; readonly usageServer?: string } = {}): Promise<ChatLab> {
  const home = await temporaryFolder();
  const clock = { now: Date.UTC(2026, 10, 21, 12) };
  const now = (): number => clock.now;
  const environment = readEnvironment({ HOME: home });
  const openClaw = openClawPaths(environment);
  const paths = ownPaths(openClaw.stateDir);
  const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
  const queue = new JobQueue({ paths, parked, now });
  const receipts = new Receipts({ folder: paths.receipts, now });
  const outbox = new Outbox({ folder: paths.outbox, now });
  const invitations = new Invitations({ folder: join(paths.chat, "invitations"), outbox, now });
  const signIns = new MemorySignIns(now);
  const out = new Recorder();
  let kicks = 0;
  const store = new JsonProfileStore({ paths: openClaw, home, now });
  const usage = new UsageService({
    store,
    server: { origin: usageServer },
    records: new UsageRecords({ folder: paths.usage, now }),
    now,
    log: silentLog,
    request: { timeoutMs: 2_000 },
    retryWaitMs: 1,
  });
  const services: ChatServices = {
    store,
    signIns,
    engine: new ApplyEngine({
      parked,
      queue,
      receipts,
      outbox,
      paths,
      now,
      launch: async () => void (kicks += 1),
    }),
    revocations: new Revocations({
      issuer: parseIssuer(issuer),
      places: { store, parked, queue, codexFiles: [join(home, ".codex", "auth.json")] },
      folder: paths.parked,
      now,
    }),
    gateway: { interruptedByRestart: async () => [] },
    lease: () => {
      throw notSet({ enabled: true });
    },
    usage: () => usage,
    agentId: "main",
    activation: "auto",
    allow: ({ personId }) => personId === "1" || personId === "2",
    buttons: await ButtonCodec.open({ folder: paths.chat, now }),
    lists: new ShownLists({ folder: paths.chat, now }),
    invitations,
    progressEveryMs: 1,
    now,
    log: silentLog,
    ...options,
  };
  const router = new ChatRouter(services);
  onTestFinished(() => router.close());
  const asker: Asker = { host: "telegram", botId: "9", personId: "1", chatId: "1", private: true, hasButtons: true };
  const storePath = (agent = "main"): string => join(openClaw.stateDir, "agents", agent, "agent", "auth-profiles.json");
  const incoming: ChatLab["incoming"] = (message, as = {}) => router.handle({ ...asker, ...as }, message, out);
  return {
    router,
    services,
    signIns,
    out,
    asker,
    paths,
    queue,
    parked,
    receipts,
    clock,
    storePath,
    incoming,
    outbox,
    invitations,
    kicks: () => kicks,
    writeStore: async (profiles, { agent = "main", order } = {}) => {
      const entries = Object.entries(profiles).map(
        ([name, account]) => [`openai-codex:${name}`, entryOf(account)] as const,
      );
      const ids = order?.map((name) => `openai-codex:${name}`);
      const content = {
        version: 1,
        profiles: Object.fromEntries(entries),
        ...(ids === undefined ? {} : { order: { "openai-codex": ids } }),
      };
      await mkdir(join(storePath(agent), ".."), { recursive: true });
      await writeFile(storePath(agent), JSON.stringify(content));
    },
    say: async (args, as) => {
      await incoming({ kind: "command", name: "codex_auth", args }, as);
      return out.last;
    },
    text: async (text, as) => {
      await incoming({ kind: "text", text }, as);
      return out.last;
    },
    press: async (label, as) => {
      await incoming({ kind: "press", data: out.button(label).data, messageId: out.lastId }, as);
      return out.last;
    },
  };
}

function entryOf(account: Account | "broken"): unknown {
  if (account === "broken")
    return { type: "oauth", provider: "openai-codex", access: "not-a-jwt", refresh: "unreadable", expires: 1 };
  return {
    type: "oauth",
    provider: "openai-codex",
    access: accessToken(account),
    refresh: `stored-refresh-of-${account.user}`,
    expires: account.expiresAtMs,
    accountId: `acc-${account.user}`,
  };
}

/** Two people, with logins that last a while. */
export const alice: Account = {
  user: "alice",
  email: "alice@example.com",
  plan: "plus",
  expiresAtMs: Date.UTC(2026, 10, 21, 12) + 3 * DAY,
};
export const bob: Account = {
  user: "bob",
  email: "bob@example.com",
  plan: "pro",
  expiresAtMs: Date.UTC(2026, 10, 21, 12) + 10 * DAY,
};
