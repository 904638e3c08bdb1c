// The table of button actions and the codec of their signed callback data; no name and no secret is ever inside.

import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { CHAT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { ensurePrivateFolder, writeFileAtomic } from "../storage/atomic-write.ts";
import { readTextFile } from "../storage/json-file.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import type { Asker } from "./conversation.ts";

/** How an action's button lives: how long, and whether its ref covers what was previewed. */
interface ActionRule {
  readonly ttlMs: number;
  /** True where the press changes something: the ref then covers the fingerprint of what the person was shown. */
  readonly confirms: boolean;
}

const view: ActionRule = { ttlMs: CHAT.pickerTtlMs, confirms: false };
const confirm: ActionRule = { ttlMs: CHAT.buttonTtlMs, confirms: true };
const decide: ActionRule = { ttlMs: CHAT.decisionTtlMs, confirms: true };
const look: ActionRule = { ttlMs: CHAT.decisionTtlMs, confirms: false };

/** Every action a button may have; OpenClaw's handlers are registered from this table, one per action. */
export const ACTIONS = {
  /** The picker of an agent. */
  codex_auth_menu: view,
  /** Asks for the name of a new login. */
  codex_auth_new: view,
  /** Starts a sign-in for a profile. */
  codex_auth_login: view,
  /** Starts a sign-in for the profile that `default` stands for. */
  codex_auth_renew: confirm,
  /** Shows the link of a sign-in by code. */
  codex_auth_paste: view,
  /** Shows a code for a sign-in. */
  codex_auth_device: view,
  /** Gives a waiting sign-in up. */
  codex_auth_stop: view,
  /** Saves a received login and puts it first in the order. */
  codex_auth_first: decide,
  /** Saves a received login where it is in the order, or last. */
  codex_auth_keep: decide,
  /** Saves a received login over another account's. */
  codex_auth_replace: decide,
  /** Saves a received login under the suggested free name. */
  codex_auth_saveas: decide,
  /** Lists the received logins that wait. */
  codex_auth_parked: look,
  /** Shows the card of one of them. */
  codex_auth_take: look,
  /** Asks whether one of them shall be thrown away. */
  codex_auth_drop: look,
  /** Throws it away. */
  codex_auth_dropyes: confirm,
  /** Asks whether the sign-in server shall end one of them. */
  codex_auth_revoke: look,
  /** Has it ended. */
  codex_auth_revokeyes: confirm,
  /** Lists the profiles of an agent, each with a way to its card. */
  codex_auth_manage: view,
  /** Shows the card of a profile. */
  codex_auth_show: view,
  /** Asks whether a profile shall be first in the order. */
  codex_auth_use: view,
  codex_auth_useyes: decide,
  /** Asks whether it shall be the only one. */
  codex_auth_only: view,
  codex_auth_onlyyes: decide,
  /** Asks whether OpenClaw shall forget its failures. */
  codex_auth_reset: view,
  codex_auth_resetyes: decide,
  /** Has the gateway read its logins again. */
  codex_auth_reload: view,
  /** Asks whether the chats that are bound to a profile shall be let go. */
  codex_auth_free: view,
  codex_auth_freeyes: confirm,
  /** Asks whether the sign-in server shall be asked for fresh tokens. */
  codex_auth_refresh: view,
  codex_auth_refreshyes: decide,
  /** Says how a profile gets another name. */
  codex_auth_rename: view,
  codex_auth_renameyes: decide,
  /** Asks whether a profile shall go. */
  codex_auth_remove: view,
  codex_auth_removeyes: decide,
  /** Asks whether what a receipt is about shall be taken back. */
  codex_auth_undo: look,
  codex_auth_undoyes: decide,
  /** Ends a script's question without doing anything. */
  codex_auth_no: look,
  /** Gives a job up that has not been written yet. */
  codex_auth_cancel: view,
  /** Looks at the lease again. */
  lease_refresh: look,
  /** Renews it. */
  lease_renew: view,
  /** Asks whether it shall be exchanged for one on another credential. */
  lease_rotate: view,
  /** Exchanges it. */
  lease_rotateyes: confirm,
  /** Asks whether it shall be given back. */
  lease_release: view,
  /** Gives it back. */
  lease_releaseyes: confirm,
  /** Asks for a lease; where there is one, asks first whether it shall be given back. */
  lease_reacquire: view,
  /** Gives it back and asks for another one. */
  lease_acquireyes: confirm,
  /** Switches the automatic renewal. */
  lease_autorenew: view,
  /** Switches the automatic rotation. */
  lease_autorotate: view,
  /** Writes the leased tokens out again. */
  lease_materialize: view,
  /** Tells the broker the counts that are still unsent. */
  lease_flush: view,
  /** Asks whether the Codex CLI's own login may be put aside for the leased one. */
  lease_takefile: view,
  /** Puts it aside. */
  lease_fileyes: confirm,
  /** Shows the profiles whose usage may be looked at. */
  codex_usage_menu: look,
  /** Looks at the usage of all of them. */
  codex_usage_all: look,
  /** Looks at the usage of one. */
  codex_usage_one: look,
} as const satisfies Record<string, ActionRule>;

/** The name of an action: the text before ":" of its callback data. */
export type ActionName = keyof typeof ACTIONS;

/** Whom a button was made for; anybody else's press is foreign. */
export type ButtonOwner = Pick<Asker, "personId" | "chatId" | "botId">;

/** A press whose signature holds. */
export interface Press {
  readonly action: ActionName;
  readonly ref: string;
}

/** Telegram's limit for callback data, in bytes. */
export const MAX_CALLBACK_BYTES = 64;
const MAC_BYTES = 12;
const REF = /^[A-Za-z0-9_-]{12}$/;
const DATA = /^([a-z_]{1,26}):([A-Za-z0-9_-]{12})\.([0-9a-z]{1,8})\.([A-Za-z0-9_-]{16})$/;

/** The short name of a text (a profile id, what was previewed) inside a button: 72 bits of its hash. */
export function refOf(...parts: readonly string[]): string {
  // The lengths keep ("ab", "c") and ("a", "bc") apart.
  const text = parts.map((part) => `${part.length}:${part}`).join("");
  return hash("sha256", `codex-auth ref\0${text}`, "base64url").slice(0, 12);
}

/** Makes and checks callback data with a key of this installation, so that buttons outlive a restart. */
export class ButtonCodec {
  /** Prepared once: a list signs a button for each of its profiles, and preparing the key took most of each. */
  readonly #key: KeyObject;
  readonly #now: () => number;

  constructor(parts: { readonly key: Buffer; readonly now: () => number }) {
    this.#key = createSecretKey(parts.key);
    this.#now = parts.now;
  }

  /** Opens the codec whose key lies in `folder`, made there once. */
  static async open(parts: { readonly folder: string; readonly now: () => number }): Promise<ButtonCodec> {
    return new ButtonCodec({ key: await loadKey(parts.folder), now: parts.now });
  }

  /** Callback data for `action` on `ref`, valid for the action's time from now. */
  encode(action: ActionName, ref: string, owner: ButtonOwner): string {
    if (!REF.test(ref)) throw new TypeError("a ref comes from refOf");
    const expiry = Math.floor((this.#now() + ACTIONS[action].ttlMs) / 1_000).toString(36);
    const data = `${action}:${ref}.${expiry}.${this.#mac(action, ref, expiry, owner).toString("base64url")}`;
    if (Buffer.byteLength(data) > MAX_CALLBACK_BYTES) throw new RangeError("callback data over 64 bytes");
    return data;
  }

  /**
   * The press that `data` stands for, if it was made here for `owner` and has not expired.
   *
   * @throws CodexAuthError `ERR_BUTTON_FOREIGN`, `ERR_BUTTON_STALE`.
   */
  decode(data: string, owner: ButtonOwner): Press {
    const [, action, ref, expiry, mac] = DATA.exec(data.slice(0, MAX_CALLBACK_BYTES + 1)) ?? [];
    if (action === undefined || ref === undefined || expiry === undefined || mac === undefined) throw foreign();
    if (!isAction(action)) throw foreign();
    const given = Buffer.from(mac, "base64url");
    const expected = this.#mac(action, ref, expiry, owner);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw foreign();
    if (Number.parseInt(expiry, 36) * 1_000 <= this.#now()) throw staleButton();
    return { action, ref };
  }

  #mac(action: string, ref: string, expiry: string, owner: ButtonOwner): Buffer {
    const signed = JSON.stringify([
      "codex-auth button 1",
      owner.personId,
      owner.chatId,
      owner.botId,
      action,
      ref,
      expiry,
    ]);
    return createHmac("sha256", this.#key).update(signed).digest().subarray(0, MAC_BYTES);
  }
}

/** The error of a button whose time or whose subject has passed. */
export function staleButton(): CodexAuthError {
  return new CodexAuthError("ERR_BUTTON_STALE", {
    message: "This button is too old, or what it was about has changed.",
    next: "Send /codex_auth for the current state.",
  });
}

function foreign(): CodexAuthError {
  return new CodexAuthError("ERR_BUTTON_FOREIGN", {
    message: "This button was not made for you here.",
    next: "Send /codex_auth for buttons of your own.",
  });
}

/** Whether a button of ours may do this. */
export function isAction(text: string): text is ActionName {
  return Object.hasOwn(ACTIONS, text);
}

async function loadKey(folder: string): Promise<Buffer> {
  await ensurePrivateFolder(folder);
  const path = join(folder, "button.key");
  const kept = (await readTextFile(path, 1_024)) ?? (await makeKey(path));
  const key = Buffer.from(kept.trim(), "base64url");
  if (key.length === 32) return key;
  throw new CodexAuthError("ERR_FILE_SHAPE", {
    message: `${path} does not hold a key of ours.`,
    next: "Remove that file: a new one is made, and buttons shown so far stop working.",
  });
}

/** Made once: two hosts may start at the same moment and must end with the same key, never with half of one. */
async function makeKey(path: string): Promise<string> {
  return withProcessLock(path, async () => {
    const kept = await readTextFile(path, 1_024);
    if (kept !== undefined) return kept;
    const key = `${randomBytes(32).toString("base64url")}\n`;
    await writeFileAtomic(path, key);
    return key;
  });
}
