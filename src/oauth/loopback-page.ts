// What the browser shows when it has come back to this machine: plain HTML without script, style or link, everything escaped.

import { cleanText } from "../clean-text.ts";
import type { Refusal } from "./loopback-request.ts";

/** What became of an address that a browser brought. */
export type CallbackOutcome =
  /** It is ours and was taken: the login is being fetched. */
  | { readonly kind: "received" }
  /** The sign-in page refused; `said` is its own description, from outside. */
  | { readonly kind: "denied"; readonly message: string; readonly said?: string }
  /** That sign-in had ended before. */
  | { readonly kind: "over" }
  /** It holds no code that could be used; the sign-in goes on. */
  | { readonly kind: "unusable" }
  /** It could not be taken for a reason of this machine. */
  | { readonly kind: "failed" };

/** A page as it is sent. */
export interface LoopbackPage {
  readonly status: number;
  readonly html: string;
}

/** The headers of every answer: it is kept nowhere, tells no other site where it was, and may load and do nothing. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  connection: "close",
};

const MAX_SAID_CHARS = 200;

/** The page for an address that named a sign-in of ours. */
export function outcomePage(outcome: CallbackOutcome): LoopbackPage {
  switch (outcome.kind) {
    case "received":
      return page(
        200,
        "The sign-in page's answer has arrived.",
        "Go back to the terminal: the login is finished there.",
      );
    case "denied": {
      const said = cleanText(outcome.said ?? "", MAX_SAID_CHARS);
      const quoted = said === "" ? [] : [`The sign-in page says: “${said}”`];
      return page(
        400,
        outcome.message,
        "Go back to the terminal: nothing was changed, and you can start again there.",
        quoted,
      );
    }
    case "over":
      return page(409, "This sign-in is already over.", "Go back to the terminal: it says how it ended.");
    case "unusable":
      return page(400, "This address holds no code.", "Go back to the terminal and open the sign-in link once more.");
    case "failed":
      return page(500, "The answer could not be taken.", "Go back to the terminal: it says what is wrong.");
  }
}

/** The page for an address that names no sign-in of this terminal. */
export function otherSignInPage(): LoopbackPage {
  return page(
    400,
    "This address belongs to another sign-in.",
    "Go back to the terminal where that one was started and paste this page's whole address there, or open the latest link.",
  );
}

const REFUSED: Readonly<Record<Refusal, readonly [status: number, what: string]>> = {
  host: [421, "This is not the address of this server."],
  path: [404, "There is nothing here."],
  method: [405, "Only a browser that comes back from the sign-in page is answered here."],
  body: [400, "Only a browser that comes back from the sign-in page is answered here."],
  length: [414, "This address is too long."],
  state: [400, "This address has no state, so it belongs to no sign-in."],
};

/** The page for what is no answer of the sign-in page. */
export function refusalPage(why: Refusal): LoopbackPage {
  const [status, what] = REFUSED[why];
  return page(status, what, "Go back to the terminal and open the sign-in link there.");
}

function page(status: number, what: string, next: string, more: readonly string[] = []): LoopbackPage {
  const paragraphs = [what, ...more, next].map((text) => `<p>${escapeHtml(text)}</p>`).join("\n");
  const html = `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>codex-auth</title></head>\n<body>\n<h1>codex-auth</h1>\n${paragraphs}\n</body></html>\n`;
  return { status, html };
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
