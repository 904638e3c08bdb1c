// The bot's command menu, per scope and language.

import { badRequest } from "./api-error.ts";
import { type Arguments, isRecord, structured, text } from "./arguments.ts";

/** A command in the menu. */
export interface BotCommand {
  readonly command: string;
  readonly description: string;
}

const PLAIN_SCOPES = new Set(["default", "all_private_chats", "all_group_chats", "all_chat_administrators"]);
const CHAT_SCOPES = new Set(["chat", "chat_administrators", "chat_member"]);
const MAX_COMMANDS = 100;

/** setMyCommands, getMyCommands and deleteMyCommands. */
export class CommandMenu {
  readonly #menus = new Map<string, readonly BotCommand[]>();

  /** Replaces the menu of a scope. */
  set(args: Arguments): true {
    const list = structured(args, "commands");
    if (!Array.isArray(list)) throw badRequest("can't parse commands JSON object");
    if (list.length > MAX_COMMANDS) throw badRequest("BOT_COMMANDS_TOO_MUCH");
    this.#menus.set(keyOf(args), list.map(parseCommand));
    return true;
  }

  /** The menu of exactly this scope. */
  get(args: Arguments): readonly BotCommand[] {
    return this.#menus.get(keyOf(args)) ?? [];
  }

  /** Empties the menu of a scope. */
  delete(args: Arguments): true {
    this.#menus.delete(keyOf(args));
    return true;
  }

  /** The scopes that have a menu, for assertions. */
  scopes(): readonly string[] {
    return [...this.#menus.keys()].map((key) => key.split("|")[0] ?? "");
  }
}

function parseCommand(value: unknown): BotCommand {
  if (!isRecord(value)) throw badRequest("can't parse BotCommand: expected an Object");
  const { command, description } = value;
  if (typeof command !== "string" || !/^\/?[a-z0-9_]{1,32}$/.test(command)) throw badRequest("BOT_COMMAND_INVALID");
  if (typeof description !== "string" || description.length < 1 || description.length > 256) {
    throw badRequest("BOT_COMMAND_DESCRIPTION_INVALID");
  }
  return { command, description };
}

function keyOf(args: Arguments): string {
  const scope = structured(args, "scope") ?? { type: "default" };
  const type = isRecord(scope) ? scope["type"] : undefined;
  if (!isRecord(scope) || typeof type !== "string" || !(PLAIN_SCOPES.has(type) || CHAT_SCOPES.has(type))) {
    throw badRequest("can't parse BotCommandScope: Unsupported type specified");
  }
  if (CHAT_SCOPES.has(type) && scope["chat_id"] === undefined) throw badRequest("can't parse BotCommandScope: chat_id");
  return `${type}|${JSON.stringify(scope)}|${text(args, "language_code")}`;
}
