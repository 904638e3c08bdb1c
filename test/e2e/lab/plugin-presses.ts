// Each button of the plugin's cards, pressed in the order in which a person would come upon it.

import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import type { ActionName } from "../../../src/chat/button.ts";
import { PATIENCE_MS, until } from "./gateway.ts";
import type { Shown } from "./plugin-phone.ts";
import { OWNER } from "./plugin.ts";
import type { PluginWorld } from "./plugin-world.ts";

/** Asks for the lease's card until it says so. */
export async function leaseCard({ phone }: PluginWorld, pattern: RegExp): Promise<Shown> {
  let card: Shown | undefined;
  await until(async () => {
    card = await phone.asks("/lease", /Lease of/);
    return pattern.test(card.text);
  }, PATIENCE_MS).catch((cause: unknown) => {
    throw new Error(`the card stayed: ${card?.text ?? ""}`, { cause });
  });
  if (card === undefined) throw new Error("no card");
  return card;
}

/** The rest of the lease's buttons; there is none at the end. */
export async function pressLease(world: PluginWorld): Promise<void> {
  const { phone, authFile } = world;
  let card = await leaseCard(world, /active/);
  card = await phone.presses(card, "lease_refresh", /Lease of/);
  card = await phone.presses(card, "lease_renew", /Lease of/);
  card = await phone.presses(card, "lease_autorenew", /Auto renew off/);
  card = await phone.presses(card, "lease_autorenew", /Auto renew on/);
  card = await phone.presses(card, "lease_autorotate", /auto rotate on/);
  card = await phone.presses(card, "lease_autorotate", /auto rotate off/);
  card = await phone.presses(card, "lease_materialize", /Lease of/);
  const take = await phone.presses(card, "lease_takefile", /Use the leased login in the Codex CLI too/);
  card = await phone.presses(take, "lease_fileyes", /Lease of/);
  expect(await readFile(authFile, "utf8")).toContain("acct-alpha");
  const rotate = await phone.presses(card, "lease_rotate", /Exchange this lease/);
  card = await phone.presses(rotate, "lease_rotateyes", /Credential bravo/);
  card = await leaseCard(world, /Profile lease: stored/);
  const again = await phone.presses(card, "lease_reacquire", /ask for another one/);
  card = await phone.presses(again, "lease_acquireyes", /Lease of/);
  card = await leaseCard(world, /Profile lease: stored/);
  const release = await phone.presses(card, "lease_release", /Give the lease back/);
  await phone.presses(release, "lease_releaseyes", /No lease now/);
}

/** Every button of a sign-in and of a login that waits; afterwards there are `second`, `third` and `ivan`. */
export async function pressSignIns({ phone, takesPastes }: PluginWorld): Promise<void> {
  const list = await phone.asks("/codex_auth", /Codex logins/);
  const names = await phone.presses(list, "codex_auth_manage", /Which profile\?/);
  const menu = await phone.presses(names, "codex_auth_menu", /Codex logins/);
  await phone.presses(menu, "codex_auth_new", /Choose a name/);
  let code = await phone.presses(list, "codex_auth_login", /Enter this code/, /^work ·/);
  if (takesPastes) {
    const link = await phone.presses(code, "codex_auth_paste", /\/authorize\?/);
    code = await phone.presses(link, "codex_auth_device", /Enter this code/);
  }
  await phone.presses(code, "codex_auth_stop", /given up/);
  const renew = await phone.asks("/codex_auth default", /Renew that one/);
  await phone.presses(await phone.presses(renew, "codex_auth_renew", /Enter this code/), "codex_auth_stop", /given up/);

  const signsIn = (profile: string, email: string): Promise<Shown> =>
    phone.signsIn(takesPastes ? "paste" : "device", profile, email);
  const first = await signsIn("second", "ada@example.com");
  const drop = await phone.presses(first, "codex_auth_drop", /Throw this login away/);
  const kept = await phone.presses(drop, "codex_auth_take", /Signed in as/);
  const revoke = await phone.presses(kept, "codex_auth_revoke", /Revoke this login/);
  await phone.presses(revoke, "codex_auth_revokeyes", /✅ Revoked/);
  const saved = await signsIn("second", "ada@example.com");
  await phone.presses(saved, "codex_auth_first", /✅ second is saved/);
  const last = await signsIn("third", "grace@example.com");
  await phone.presses(last, "codex_auth_keep", /✅ third is saved/);
  await signsIn("third", "heidi@example.com");
  const waiting = await phone.asks("/codex_auth", /Codex logins/);
  const parked = await phone.presses(waiting, "codex_auth_parked", /logins that wait/);
  const other = await phone.presses(parked, "codex_auth_take", /Another account/, /third/);
  await phone.presses(other, "codex_auth_replace", /✅ third is saved/);
  const own = await signsIn("third", "ivan@example.com");
  await phone.presses(own, "codex_auth_saveas", /✅ ivan is saved/);
  const unwanted = await signsIn("third", "grace@example.com");
  const away = await phone.presses(unwanted, "codex_auth_drop", /Throw this login away/);
  await phone.presses(away, "codex_auth_dropyes", /thrown away/);
}

/** The buttons of a usage check. */
export async function pressUsage({ phone }: PluginWorld): Promise<void> {
  const menu = await phone.asks("/codex_usage", /of which profile/);
  const one = await phone.presses(menu, "codex_usage_one", /^(?!⏳)[\s\S]*second/, /^second/);
  const again = await phone.presses(one, "codex_usage_menu", /of which profile/);
  await phone.presses(again, "codex_usage_all", /^(?!⏳)[\s\S]*second/);
}

/** The buttons of the changes, on `ivan`, who is `office` at the end; `held` keeps jobs from going on. */
export async function pressChanges(
  { phone, lab, engine }: PluginWorld,
  held: (body: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const use = await phone.presses(await phone.cardOf("ivan"), "codex_auth_use", /first\?/);
  await held(async () => {
    const queued = await phone.presses(use, "codex_auth_useyes", /ivan: (?:queued|writing|waiting)/);
    await phone.presses(queued, "codex_auth_cancel", /is being given up/);
  });
  await until(async () => (await engine.queue.open()).length === 0, PATIENCE_MS);
  const again = await phone.asks("/codex_auth use ivan", /first\?/);
  await phone.presses(again, "codex_auth_useyes", /✅ ivan/);

  lab.backend.refuseNextLogin(lab.openclaw.version === "2026.9.6" ? "limit" : "money");
  const { mark } = phone;
  lab.telegram.person(OWNER).sends("meet the end of it");
  await phone.shows(/answer \d+|credit|billing|limit/i, mark);
  const limited = await cardWith(phone, "codex_auth_reset", ["ivan", "work", "second", "third"]);
  const reset = await phone.presses(limited, "codex_auth_reset", /Reset \S+\?/);
  await phone.presses(reset, "codex_auth_resetyes", /✅/);
  await freeTheChat(phone);

  const only = await phone.presses(await phone.cardOf("ivan"), "codex_auth_only", /alone\?/);
  await phone.presses(only, "codex_auth_onlyyes", /✅/);
  await phone.presses(await phone.cardOf("ivan"), "codex_auth_rename", /Choose the new name/);
  const rename = await phone.asks("/codex_auth rename ivan office", /Rename ivan to office\?/);
  await phone.presses(rename, "codex_auth_renameyes", /✅/);
  const remove = await phone.presses(await phone.cardOf("office"), "codex_auth_remove", /Remove office/);
  const removed = await phone.presses(remove, "codex_auth_removeyes", /✅/);
  const undo = await phone.presses(removed, "codex_auth_undo", /\?/);
  await phone.presses(undo, "codex_auth_undoyes", /✅/);
}

/** The chat is bound to whom it used last; another one that comes first has the button that lets it go. */
async function freeTheChat(phone: PluginWorld["phone"]): Promise<void> {
  for (const name of ["second", "third"]) {
    const use = await phone.asks(`/codex_auth use ${name}`, /first\?/);
    await phone.presses(use, "codex_auth_useyes", /✅/);
    const card = await phone.cardOf(name);
    if (!card.buttons.some(({ callback_data: data }) => data?.startsWith("codex_auth_free:"))) continue;
    const question = await phone.presses(card, "codex_auth_free", /1 chat is bound to/);
    await phone.presses(question, "codex_auth_freeyes", /1 chat was let go/);
    return;
  }
  throw new Error("no chat is bound to another profile than the first");
}

/**
 * The first of the cards that has a button of `action`, once there is one: 2026.9.6 keeps a chat on the profile that it began with, and its
 * note of a failure shows on the card alone.
 */
async function cardWith(phone: PluginWorld["phone"], action: ActionName, names: readonly string[]): Promise<Shown> {
  let found: Shown | undefined;
  await until(async () => {
    for (const name of names) {
      const card = await phone.cardOf(name);
      if (!card.buttons.some(({ callback_data: data }) => data?.startsWith(`${action}:`))) continue;
      found = card;
      return true;
    }
    return false;
  }, PATIENCE_MS);
  if (found === undefined) throw new Error(`no ${action} under the cards of ${names.join(", ")}`);
  return found;
}
