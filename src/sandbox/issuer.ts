// The embedded fake of auth.openai.com: a loopback server for the demo and the tests, honest where the facts speak.

import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { CodexAuthError } from "../errors.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import {
  readAuthorizeQuery,
  readGrant,
  readJson,
  readRevocation,
  type AuthorizeQuery,
  type Grant,
  type Revocation,
} from "./issuer-contract.ts";
import { DeviceDesk } from "./issuer-device.ts";
import { answerOrFail, readBody, type IssuerLogEntry, type ReadRequest } from "./issuer-exchange.ts";
import { FaultQueue } from "./issuer-faults.ts";
import { approvePage, devicePage, enteredPage, refusalPage } from "./issuer-page.ts";
import { Presentations, type Presentation } from "./issuer-presentations.ts";
import {
  callbackUrl,
  IssuerState,
  type GrantTwist,
  type RefreshStanding,
  type SandboxAccount,
  type TokenAnswer,
} from "./issuer-state.ts";

export type { SandboxAccount } from "./issuer-state.ts";

/** How a sandbox issuer is started. */
export interface SandboxIssuerOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: "127.0.0.1" | "::1";
  readonly now?: () => number;
  /** Who can sign in. Default: three people, one of whom has two workspaces (the case of fact 0.7). */
  readonly accounts?: readonly SandboxAccount[];
  /** Signs the hinted or else the first account in without showing the page. Default false. */
  readonly autoApprove?: boolean;
}

/** A running sandbox issuer. */
export interface SandboxIssuer {
  readonly origin: string;
  readonly accounts: readonly SandboxAccount[];
  /** What goes wrong at the token endpoint. */
  readonly faults: FaultQueue;
  /** What goes wrong at the revocation endpoint. */
  readonly revokeFaults: FaultQueue;
  /** Its device codes; their faults are their own. */
  readonly device: DeviceDesk;
  readonly log: readonly IssuerLogEntry[];
  /** Who can sign in behind this link, which may narrow the workspaces; nobody where it is no link to sign in with. */
  eligible(link: string): readonly SandboxAccount[];
  /** Signs `email` in (in `accountId`, where it has several): the callback address. @throws CodexAuthError `ERR_USAGE`. */
  approve(authorizeUrl: string, email: string, accountId?: string): string;
  /** Declines: the callback address with `error`. @throws CodexAuthError `ERR_USAGE`. */
  deny(authorizeUrl: string, error?: string, description?: string): string;
  /** A person enters a device code and signs in. @throws CodexAuthError `ERR_USAGE`. */
  approveDevice(userCode: string, email: string, accountId?: string): void;
  /** How a refresh token stands. */
  standing(refreshToken: string): RefreshStanding;
  /** Makes a refresh token too old. */
  expire(refreshToken: string): void;
  /** Every presentation of a refresh token (by itself or its fingerprint; of all without one), in order. */
  presentations(token?: string): readonly Presentation[];
  close(): Promise<void>;
}

const ACCOUNTS: readonly SandboxAccount[] = [
  { email: "ada@example.com", userId: "user-ada", accountId: "acct-ada", planType: "plus" },
  { email: "ada@example.com", userId: "user-ada", accountId: "acct-team", planType: "team" },
  { email: "grace@example.com", userId: "user-grace", accountId: "acct-grace", planType: "pro" },
  { email: "linus@example.com", userId: "user-linus", accountId: "acct-linus", planType: "free" },
];

/** Starts a sandbox issuer on loopback. */
export async function startSandboxIssuer(options: SandboxIssuerOptions = {}): Promise<SandboxIssuer> {
  const now = options.now ?? Date.now;
  const state = new IssuerState(options.accounts ?? ACCOUNTS, now);
  const device = new DeviceDesk(state, now);
  const site = new IssuerSite(state, device, options.autoApprove ?? false);
  const server = createServer((request, response) => {
    site.handle(request, response).catch(() => response.destroy());
  });
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    origin: `http://${host === "::1" ? "[::1]" : host}:${port}`,
    accounts: state.accounts,
    faults: site.faults,
    revokeFaults: site.revokeFaults,
    device,
    log: site.log,
    eligible: (link) => {
      const query = URL.canParse(link) ? readAuthorizeQuery(new URL(link)) : { wrong: "address" };
      return "wrong" in query ? [] : state.eligible(query);
    },
    approve: (authorizeUrl, email, accountId) => {
      const query = queryOf(authorizeUrl);
      const account = state
        .eligible(query)
        .find((one) => one.email === email && (accountId === undefined || one.accountId === accountId));
      if (account === undefined) throw usage("The sandbox has no such account for this sign-in.");
      return state.approve(query, account);
    },
    deny: (authorizeUrl, error = "access_denied", description = "The person declined.") =>
      callbackUrl(queryOf(authorizeUrl), { error, error_description: description }),
    approveDevice: (userCode, email, accountId) => device.approve(userCode, email, accountId),
    standing: (refreshToken) => state.standing(refreshToken),
    expire: (refreshToken) => state.expire(refreshToken),
    presentations: (token) => site.presentations.of(token),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // A hanging or kept-alive connection must not keep the demo from ending.
        server.closeAllConnections();
      }),
  };
}

class IssuerSite {
  readonly faults = new FaultQueue();
  readonly revokeFaults = new FaultQueue();
  readonly log: IssuerLogEntry[] = [];
  readonly presentations: Presentations;
  readonly #state: IssuerState;
  readonly #device: DeviceDesk;
  readonly #autoApprove: boolean;
  readonly #tickets = new Map<string, AuthorizeQuery>();

  constructor(state: IssuerState, device: DeviceDesk, autoApprove: boolean) {
    this.#state = state;
    this.presentations = new Presentations(state);
    this.#device = device;
    this.#autoApprove = autoApprove;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "/", "http://sandbox.invalid");
    // The path only: the query of an authorize address holds a state.
    const entry = { method, path: url.pathname };
    const read = method === "POST" ? this.#endpoint(request, url.pathname) : undefined;
    if (read !== undefined) {
      return answerOrFail({ request, response, entry, faults: read.faults, log: this.log }, read.read);
    }
    let status = 404;
    if (method === "GET" && url.pathname === "/oauth/authorize") status = this.#authorize(url, response);
    else if (method === "POST" && url.pathname === "/sandbox/answer") {
      status = this.#answer(new URLSearchParams(await readBody(request)), response);
    } else if (method === "GET" && url.pathname === "/codex/device") {
      status = sendPage(response, 200, devicePage(this.#state.accounts));
    } else if (method === "POST" && url.pathname === "/sandbox/device") {
      status = this.#enter(new URLSearchParams(await readBody(request)), response);
    } else sendPage(response, 404, refusalPage("there is nothing here"));
    this.log.push({ ...entry, status });
  }

  /** Where programs ask, not browsers: how each reads its requests, and what goes wrong there. */
  #endpoint(
    { headers }: IncomingMessage,
    path: string,
  ): { readonly faults: FaultQueue; readonly read: (body: string) => ReadRequest } | undefined {
    const contentType = headers["content-type"] ?? "";
    switch (path) {
      case "/oauth/token":
        return { faults: this.faults, read: (body) => this.#readGrant(readGrant(body, contentType)) };
      case "/oauth/revoke":
        return { faults: this.revokeFaults, read: (body) => this.#readRevocation(readRevocation(body, contentType)) };
      case "/api/accounts/deviceauth/usercode":
        return {
          faults: this.#device.codeFaults,
          read: (body) => ({ note: {}, answer: () => this.#device.giveCode(readJson(body)) }),
        };
      case "/api/accounts/deviceauth/token": {
        const origin = `http://${headers.host ?? ""}`;
        return {
          faults: this.#device.pollFaults,
          read: (body) => ({ note: {}, answer: () => this.#device.look(readJson(body), origin) }),
        };
      }
      default:
        return undefined;
    }
  }

  #readGrant(grant: Grant | undefined): ReadRequest {
    const answer = (twist: GrantTwist): TokenAnswer => this.#state.answer(grant, twist);
    if (grant === undefined) return { note: {}, answer };
    const isRefresh = grant.grant_type === "refresh_token";
    const note = {
      grantType: grant.grant_type,
      presented: fingerprint(isRefresh ? grant.refresh_token : grant.code),
    };
    return isRefresh
      ? { note, presentation: this.presentations.arrived("token", grant.refresh_token), answer }
      : { note, answer };
  }

  #readRevocation(revocation: Revocation | undefined): ReadRequest {
    const answer = (): TokenAnswer => this.#state.revoke(revocation);
    if (revocation === undefined) return { note: {}, answer };
    const presentation = this.presentations.arrived("revoke", revocation.token);
    return { note: { presented: presentation.fingerprint }, presentation, answer };
  }

  #authorize(url: URL, response: ServerResponse): number {
    const query = readAuthorizeQuery(url);
    // Never redirected: a redirect_uri that was not checked is nowhere to send anybody.
    if ("wrong" in query) return sendPage(response, 400, refusalPage(`${query.wrong} is missing or wrong`));
    const accounts = this.#state.eligible(query);
    const account = accounts.find(({ email }) => email === query.login_hint) ?? accounts[0];
    if (this.#autoApprove && account !== undefined) return redirect(response, this.#state.approve(query, account));
    const ticket = randomBytes(18).toString("base64url");
    this.#tickets.set(ticket, query);
    return sendPage(response, 200, approvePage(ticket, accounts));
  }

  #answer(form: URLSearchParams, response: ServerResponse): number {
    const ticket = form.get("ticket") ?? "";
    const query = this.#tickets.get(ticket);
    if (query === undefined) return sendPage(response, 400, refusalPage("it was answered before"));
    this.#tickets.delete(ticket);
    const choice = form.get("account") ?? "";
    const account = this.#state.eligible(query)[/^\d{1,4}$/.test(choice) ? Number(choice) : -1];
    return redirect(
      response,
      account === undefined ? callbackUrl(query, { error: "access_denied" }) : this.#state.approve(query, account),
    );
  }

  #enter(form: URLSearchParams, response: ServerResponse): number {
    const code = (form.get("code") ?? "").trim().toUpperCase();
    const choice = form.get("account") ?? "";
    const account = this.#state.accounts[/^\d{1,4}$/.test(choice) ? Number(choice) : -1];
    try {
      if (account === undefined) this.#device.deny(code);
      else this.#device.approve(code, account.email, account.accountId);
    } catch {
      return sendPage(response, 400, refusalPage("no such code is waited for"));
    }
    return sendPage(response, 200, enteredPage());
  }
}

function queryOf(authorizeUrl: string): AuthorizeQuery {
  const query = URL.canParse(authorizeUrl) ? readAuthorizeQuery(new URL(authorizeUrl)) : { wrong: "address" };
  if ("wrong" in query)
    throw usage(`The sandbox cannot take this sign-in link: its ${query.wrong} is missing or wrong.`);
  return query;
}

function sendPage(response: ServerResponse, status: number, html: string): number {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self' http://localhost:* http://127.0.0.1:*",
    connection: "close",
  });
  response.end(html);
  return status;
}

function redirect(response: ServerResponse, location: string): number {
  response.writeHead(302, { location, "cache-control": "no-store", connection: "close" }).end();
  return 302;
}

function usage(message: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", { message, next: "Start a new sign-in against the sandbox." });
}
