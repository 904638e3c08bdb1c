// The embedded fake of chatgpt.com's usage endpoint: a loopback server for the demo and the tests (facts/codex-oauth.md §1.11).

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { decodeAccessToken, type AccessClaims } from "../profiles/claims.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import { answerUsageFault, type UsageFault } from "./usage-faults.ts";
import { USAGE_SHAPES, type UsageBody } from "./usage-shapes.ts";

/** One request as the sandbox saw it, without any secret. */
interface UsageLogEntry {
  readonly method: string;
  readonly path: string;
  /** Of the token that was presented. */
  readonly presented: string;
  readonly accountId: string | undefined;
  readonly userAgent: string | undefined;
  readonly fault?: string;
  /** Absent where no whole answer was given. */
  readonly status?: number | undefined;
}

/** How a sandbox usage server is started. */
export interface SandboxUsageOptions {
  readonly now?: () => number;
}

/** A running sandbox usage server. */
export interface SandboxUsage {
  readonly origin: string;
  readonly log: readonly UsageLogEntry[];
  /** How many requests were in hand at once, at most. */
  readonly mostAtOnce: number;
  /** What an account's answers say from now on. Default: the shape `plus`, with the plan of the token. */
  setUsage(accountId: string, body: (now: number) => UsageBody): void;
  /** Makes the next request go wrong. */
  fail(fault: UsageFault): void;
  /** From now on this token is not taken any more. */
  revoke(accessToken: string): void;
  /** Answers wait until {@link SandboxUsage.release}. */
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startSandboxUsage(options: SandboxUsageOptions = {}): Promise<SandboxUsage> {
  const site = new UsageSite(options.now ?? Date.now);
  const server = createServer((request, response) => {
    site.handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    log: site.log,
    get mostAtOnce() {
      return site.mostAtOnce;
    },
    setUsage: (accountId, body) => void site.bodies.set(accountId, body),
    fail: (fault) => void site.faults.push(fault),
    revoke: (accessToken) => void site.revoked.add(fingerprint(accessToken)),
    hold: () => site.hold(),
    release: () => site.release(),
    close: () =>
      new Promise((resolve) => {
        site.release();
        server.close(() => resolve());
        // A hanging answer must not keep the demo from ending.
        server.closeAllConnections();
      }),
  };
}

class UsageSite {
  readonly log: UsageLogEntry[] = [];
  readonly bodies = new Map<string, (now: number) => UsageBody>();
  readonly faults: UsageFault[] = [];
  readonly revoked = new Set<string>();
  mostAtOnce = 0;
  #inHand = 0;
  #held: Promise<void> | undefined;
  #letGo: (() => void) | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  hold(): void {
    this.#held = new Promise((resolve) => (this.#letGo = resolve));
  }

  release(): void {
    this.#letGo?.();
    this.#held = undefined;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.faults.shift();
    const entry = entryOf(request, fault);
    this.#inHand += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#inHand);
    try {
      await this.#held;
      if (fault !== undefined && fault.kind !== "other-account") {
        const status = answerUsageFault(fault, response);
        this.log.push({ ...entry, status });
        return;
      }
      const { status, body } = this.#answer(request, fault !== undefined);
      // Logged before it is answered: whoever has the answer finds its line.
      this.log.push({ ...entry, status });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    } finally {
      this.#inHand -= 1;
    }
  }

  #answer(request: IncomingMessage, isMixedUp: boolean): { readonly status: number; readonly body: unknown } {
    if (request.method !== "GET" || request.url !== "/backend-api/wham/usage") return refusal(404, "Not Found");
    const token = tokenOf(request);
    const claims = decodeAccessToken(token);
    const isOver = claims?.expiresAtMs !== undefined && claims.expiresAtMs <= this.#now();
    if (claims === undefined || isOver || this.revoked.has(fingerprint(token))) return refusal(401, "token_expired");
    // A token speaks for one workspace here; the real one takes the header's (fact 0.6: a wrong one is a 401 or 403).
    const wanted = request.headers["chatgpt-account-id"];
    if (wanted !== undefined && wanted !== claims.accountId) return refusal(403, "wrong workspace");
    const now = this.#now();
    const body = this.bodies.get(claims.accountId ?? "")?.(now) ?? { ...USAGE_SHAPES.plus(now), ...planOf(claims) };
    const owner = isMixedUp
      ? { user_id: "user-somebody-else", account_id: "acct-somebody-else", email: "else@example.com" }
      : { user_id: claims.userId, account_id: claims.accountId, email: claims.email };
    return { status: 200, body: { ...owner, ...body } };
  }
}

function planOf({ planType }: AccessClaims): UsageBody {
  return planType === undefined ? {} : { plan_type: planType };
}

function refusal(status: number, detail: string): { readonly status: number; readonly body: unknown } {
  return { status, body: { detail } };
}

function tokenOf({ headers }: IncomingMessage): string {
  return /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
}

function entryOf(request: IncomingMessage, fault: UsageFault | undefined): UsageLogEntry {
  const accountId = request.headers["chatgpt-account-id"];
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    presented: fingerprint(tokenOf(request)),
    accountId: typeof accountId === "string" ? accountId : undefined,
    userAgent: request.headers["user-agent"],
    ...(fault === undefined ? {} : { fault: fault.kind }),
  };
}
