// Inline keyboards: what the real server accepts as buttons, and with which words it refuses the rest.

import { badRequest } from "./api-error.ts";
import { isRecord } from "./arguments.ts";

/** A button as it was sent, after validation. */
export interface InlineButton {
  readonly text: string;
  readonly callback_data?: string;
  readonly url?: string;
  readonly style?: string;
}

/** Rows of buttons; empty where there is no keyboard. */
export type InlineKeyboard = readonly (readonly InlineButton[])[];

const MAX_BUTTONS = 100;
const MAX_CALLBACK_BYTES = 64;
const STYLES = new Set(["primary", "success", "danger"]);

/** The keyboard in a call's `reply_markup`. @throws ApiError where Telegram would refuse it. */
export function parseMarkup(value: unknown): InlineKeyboard {
  if (value === undefined || value === null) return [];
  if (!isRecord(value)) throw badRequest("object expected as reply markup");
  const rows = value["inline_keyboard"];
  if (!Array.isArray(rows)) throw badRequest('can\'t parse reply keyboard markup JSON object: field "inline_keyboard"');
  const keyboard = rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest("can't parse inline keyboard button: array expected");
    return row.map((button: unknown) => parseButton(button));
  });
  if (keyboard.flat().length > MAX_BUTTONS) throw badRequest("reply markup is too long");
  return keyboard.filter((row) => row.length > 0);
}

function parseButton(value: unknown): InlineButton {
  if (!isRecord(value)) throw badRequest("can't parse inline keyboard button: expected an Object");
  const { text, callback_data: data, url, style } = value;
  if (typeof text !== "string" || text.trim() === "") throw badRequest("inline keyboard button text is empty");
  if (style !== undefined && !(typeof style === "string" && STYLES.has(style)))
    throw badRequest("BUTTON_STYLE_INVALID");
  const styled = typeof style === "string" ? { style } : {};
  if (typeof data === "string") {
    const bytes = Buffer.byteLength(data);
    if (bytes < 1 || bytes > MAX_CALLBACK_BYTES) throw badRequest("BUTTON_DATA_INVALID");
    return { text, callback_data: data, ...styled };
  }
  if (typeof url === "string") {
    if (!isButtonUrl(url)) throw badRequest(`inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`);
    return { text, url, ...styled };
  }
  throw badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
}

/** An http(s) or tg address whose host has a dot: `http://localhost` is refused by the real server. */
function isButtonUrl(text: string): boolean {
  if (text.length > 4_096 || !URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.protocol === "tg:" ||
    (/^https?:$/.test(url.protocol) && (url.hostname.includes(".") || url.hostname.startsWith("[")))
  );
}
