// Judges one request to the loopback server: is it the browser that comes back from the sign-in page? (facts/codex-oauth.md §1.3)

import { LOGIN } from "../config/defaults.ts";

/** A request as far as it is looked at. */
export interface LoopbackRequest {
  readonly method: string;
  /** The request target as it was sent: nothing is decoded or resolved before it is compared. */
  readonly target: string;
  /** Every `Host` header. */
  readonly hosts: readonly string[];
  readonly hasBody: boolean;
}

/** Why a request is nothing for us; the connection ends either way. */
export type Refusal = "host" | "path" | "method" | "body" | "length" | "state";

/** A browser with an answer, or a refusal. */
export type LoopbackVerdict =
  | { readonly kind: "callback"; readonly address: string; readonly state: string }
  | { readonly kind: "refused"; readonly why: Refusal };

const HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/**
 * What `request` is to a server that stands for `redirectUri`. Whether the state is one that is waited for is not judged here,
 * and nothing else of the query is looked at before that.
 */
export function judgeLoopbackRequest(request: LoopbackRequest, redirectUri: string): LoopbackVerdict {
  const { port, pathname } = new URL(redirectUri);
  const [host, ...otherHosts] = request.hosts;
  // A page of another site whose name was made to point here (DNS rebinding) still sends that site's name.
  const isOurs = HOSTS.some((name) => host?.toLowerCase() === `${name}:${port}`);
  if (!isOurs || otherHosts.length > 0) return refused("host");
  const [path = "", ...query] = request.target.split("?");
  if (path !== pathname) return refused("path");
  if (request.method !== "GET") return refused("method");
  if (request.hasBody) return refused("body");
  const search = query.join("?");
  const address = `${redirectUri}?${search}`;
  if (address.length > LOGIN.maxCallbackChars) return refused("length");
  const [state, ...others] = new URLSearchParams(search).getAll("state");
  if (state === undefined || state === "" || others.length > 0) return refused("state");
  return { kind: "callback", address, state };
}

function refused(why: Refusal): LoopbackVerdict {
  return { kind: "refused", why };
}
