// The sandbox's browser: signs a person in at the sandbox issuer and gives the address that a real browser would end on.

import type { Reply } from "../../chat/reply.ts";
import type { SandboxAccount, SandboxIssuer } from "../../sandbox/issuer.ts";

/** The sign-in link under `reply`; undefined where there is none. */
export function signInLink(reply: Reply | undefined): string | undefined {
  const link = (reply?.buttons ?? []).flat().find((button) => button.kind === "url");
  return link?.kind === "url" ? link.url : undefined;
}

/** Signs `account` in on the page behind `link`. */
export function approve(issuer: SandboxIssuer, link: string, account: SandboxAccount): string {
  return issuer.approve(link, account.email, account.accountId);
}

/** A callback address as it may be printed: nothing of its code or state. */
export function maskedAddress(address: string): string {
  return `${new URL(address).origin}/…`;
}
