// The sandbox's sign-in page: plain HTML, no script, everything from outside escaped.

import type { SandboxAccount } from "./issuer-state.ts";

/** The page that lists `accounts`; each button posts to `/sandbox/answer` with the ticket of this sign-in. */
export function approvePage(ticket: string, accounts: readonly SandboxAccount[]): string {
  const buttons = accounts.map(
    ({ email, planType, accountId }, index) =>
      `<p><button name="account" value="${index}">${escapeHtml(email)} (${escapeHtml(planType)}, ${escapeHtml(accountId)})</button></p>`,
  );
  return page(
    "Sandbox sign-in",
    `<p>This is a fake of auth.openai.com on this machine. Nobody is really signed in.</p>
<form method="post" action="/sandbox/answer">
<input type="hidden" name="ticket" value="${escapeHtml(ticket)}">
${buttons.join("\n")}
<p><button name="account" value="deny">Decline</button></p>
</form>`,
  );
}

/** The page on which a device code is entered. */
export function devicePage(accounts: readonly SandboxAccount[]): string {
  const buttons = accounts.map(
    ({ email, planType, accountId }, index) =>
      `<p><button name="account" value="${index}">${escapeHtml(email)} (${escapeHtml(planType)}, ${escapeHtml(accountId)})</button></p>`,
  );
  return page(
    "Sandbox device sign-in",
    `<p>This is a fake of auth.openai.com on this machine. Nobody is really signed in.</p>
<form method="post" action="/sandbox/device">
<p>Code: <input name="code" autocomplete="off" autofocus></p>
${buttons.join("\n")}
<p><button name="account" value="deny">Decline</button></p>
</form>`,
  );
}

/** What stands there afterwards. */
export function enteredPage(): string {
  return page("Sandbox device sign-in", "<p>Done. Go back to the chat.</p>");
}

/** A page that says what is wrong with a sign-in link. */
export function refusalPage(what: string): string {
  return page("Sandbox sign-in", `<p>This sign-in link is not valid: ${escapeHtml(what)}.</p>`);
}

function page(title: string, body: string): string {
  return `<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>\n<body><h1>${escapeHtml(title)}</h1>\n${body}\n</body></html>\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
