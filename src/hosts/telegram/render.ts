// A structured reply as Telegram's HTML and inline keyboard; every text in it is data and is escaped.

import type { InlineKeyboardButton } from "grammy/types";
import { CHAT, TELEGRAM } from "../../config/defaults.ts";
import { MAX_CALLBACK_BYTES } from "../../chat/button.ts";
import { type Button, code, type Line, type Reply, type Span } from "../../chat/reply.ts";
import { fitLines } from "../fit-lines.ts";

/** A reply ready to be sent. */
export interface RenderedReply {
  /** HTML for `parse_mode: "HTML"`. */
  readonly html: string;
  readonly keyboard: InlineKeyboardButton[][];
}

const TAGS = { bold: "b", italic: "i", code: "code" } as const;
const EMAIL = /([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})/;

/** `reply` for Telegram; a button that Telegram would refuse stands as a line of text instead. */
export function renderReply(reply: Reply): RenderedReply {
  const refused: Line[] = [];
  let left: number = TELEGRAM.maxButtons;
  const keyboard = (reply.buttons ?? []).map((row) =>
    row.flatMap((button) => {
      const drawn = left > 0 ? drawButton(button) : undefined;
      if (drawn === undefined) refused.push(asLine(button));
      else left -= 1;
      return drawn ?? [];
    }),
  );
  const html = fitLines([...reply.lines, ...refused], CHAT.maxReplyChars)
    .map(renderLine)
    .join("\n");
  return { html, keyboard: keyboard.filter((row) => row.length > 0) };
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function renderLine(line: Line): string {
  return line.flatMap(withoutMailLinks).map(renderSpan).join("");
}

function renderSpan(span: Span): string {
  if (typeof span === "string") return escapeHtml(span);
  if (span.text === "") return "";
  const tag = TAGS[span.style];
  return `<${tag}>${escapeHtml(span.text)}</${tag}>`;
}

/** Telegram makes a link to write a mail of every address it finds, except inside code: there it is data to copy. */
function withoutMailLinks(span: Span): readonly Span[] {
  const text = typeof span === "string" ? span : span.text;
  if (!EMAIL.test(text) || (typeof span !== "string" && span.style === "code")) return [span];
  return text.split(EMAIL).flatMap((part, index) => {
    if (part === "") return [];
    if (index % 2 === 1) return [code(part)];
    return [typeof span === "string" ? part : { text: part, style: span.style }];
  });
}

function drawButton(button: Button): InlineKeyboardButton | undefined {
  if (button.label.trim() === "") return undefined;
  if (button.kind === "url") return isWebAddress(button.url) ? { text: button.label, url: button.url } : undefined;
  if (Buffer.byteLength(button.data) > MAX_CALLBACK_BYTES || button.data === "") return undefined;
  const style = button.style === undefined ? {} : { style: button.style };
  return { text: button.label, callback_data: button.data, ...style };
}

function asLine(button: Button): Line {
  return button.kind === "url" ? [`${button.label}: `, button.url] : [`${button.label}: `, code(button.typed)];
}

/** What Telegram takes as the address of a button: http or https, and a host with a dot. */
function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && hostname.includes(".");
}
