// A structured reply as OpenClaw takes it: markdown with Telegram's buttons, typed commands elsewhere, raw text for edits.

import { MAX_CALLBACK_BYTES } from "../../chat/button.ts";
import { code, fallbackLines, type Button, type Line, type Reply, type Span } from "../../chat/reply.ts";
import { PLUGIN, TELEGRAM } from "../../config/defaults.ts";
import { fitLines } from "../fit-lines.ts";
import type { PresentationBlock, ReplyPayload, TelegramButton, TelegramButtons } from "./api.ts";

/** What the place of a reply can show. */
export type Surface =
  /** Telegram: buttons with callback data of ours. */
  | "telegram"
  /** Another channel of 2026.9: buttons that type a command. */
  | "presentation"
  /** Any other place: typed commands in the text. */
  | "text";

/** A reply as a command's answer, or as a message of its own. */
export function renderPayload(reply: Reply, surface: Surface): ReplyPayload {
  if (surface === "telegram") {
    const { buttons, rest } = drawButtons(reply);
    const text = markdown([...reply.lines, ...rest]);
    return buttons.length === 0 ? { text } : { text, channelData: { telegram: { buttons } } };
  }
  const typed = surface === "presentation" ? presentationOf(reply) : [];
  // The words stay where there are buttons too: a channel that cannot show them drops them silently.
  const text = plain(typedLines(reply));
  return typed.length === 0 ? { text } : { text, presentation: { blocks: typed } };
}

/** A reply for `respond.editMessage` and `respond.reply`, which set no parse mode: any mark would be read as it stands. */
export function renderRaw(reply: Reply): { readonly text: string; readonly buttons?: TelegramButtons } {
  const { buttons, rest } = drawButtons(reply);
  const text = fitted([...reply.lines, ...rest])
    .map((line) => line.map((span) => (typeof span === "string" ? span : span.text)).join(""))
    .join("\n");
  return buttons.length === 0 ? { text } : { text, buttons };
}

/** The reply without its buttons: what they stand for is read, and typed. */
export function inWords({ buttons = [], ...reply }: Reply): Reply {
  return { ...reply, lines: [...reply.lines, ...buttons.flat().map(asLine)] };
}

/** Whether all of a reply's text goes into one message of `surface`; what does not is cut off its end. */
export function fitsOneMessage(reply: Reply, surface: Surface): boolean {
  const lines = surface === "telegram" ? telegramLines(reply) : typedLines(reply);
  return fitted(lines) === lines;
}

/** Several replies of one turn as the one message that a command may answer with. */
export function joinReplies(replies: readonly Reply[]): Reply {
  const [first, ...more] = replies;
  if (first === undefined || more.length === 0) return first ?? { lines: [] };
  const last = replies.findLast(({ choices }) => choices !== undefined);
  return {
    lines: replies.flatMap(({ lines }, index) => (index === 0 ? lines : [[], ...lines])),
    buttons: replies.flatMap(({ buttons }) => buttons ?? []),
    ...(last?.choices === undefined ? {} : { choices: last.choices }),
    ...(last?.choiceCommand === undefined ? {} : { choiceCommand: last.choiceCommand }),
  };
}

function telegramLines(reply: Reply): readonly Line[] {
  return [...reply.lines, ...drawButtons(reply).rest];
}

function typedLines(reply: Reply): readonly Line[] {
  const fallback = fallbackLines(reply, howToAnswer(reply));
  return fallback.length === 0 ? reply.lines : [...reply.lines, [], ...fallback];
}

/** A bare number would go to the model: what is typed carries its command. */
function howToAnswer({ choiceCommand = "/codex_auth" }: Reply): Line {
  return ["Answer with the command and a number or name, such as ", code(`${choiceCommand} 1`), "."];
}

/** The buttons that Telegram takes; the others, and addresses, which OpenClaw's buttons cannot open, stand as lines. */
function drawButtons(reply: Reply): { readonly buttons: TelegramButtons; readonly rest: readonly Line[] } {
  const rest: Line[] = [];
  let left: number = TELEGRAM.maxButtons;
  const rows = (reply.buttons ?? []).map((row) =>
    row.flatMap((button): TelegramButton[] => {
      const drawn = left > 0 ? drawButton(button) : undefined;
      if (drawn === undefined) rest.push(asLine(button));
      else left -= 1;
      return drawn === undefined ? [] : [drawn];
    }),
  );
  return { buttons: rows.filter((row) => row.length > 0), rest };
}

function drawButton(button: Button): TelegramButton | undefined {
  if (button.kind === "url" || button.label.trim() === "" || button.data === "") return undefined;
  // OpenClaw does not look at the length; Telegram would refuse the whole message.
  if (Buffer.byteLength(button.data) > MAX_CALLBACK_BYTES) return undefined;
  const style = button.style === undefined ? {} : { style: button.style };
  return { text: button.label, callback_data: button.data, ...style };
}

function asLine(button: Button): Line {
  return button.kind === "url" ? [`${button.label}: `, button.url] : [`${button.label}: `, code(button.typed)];
}

/** A button that is too long for its command would come as a bullet without a use: the text has the command anyway. */
function presentationOf(reply: Reply): readonly PresentationBlock[] {
  return (reply.buttons ?? []).flatMap((row) => {
    const buttons = row.flatMap((button) =>
      button.kind === "url" || Buffer.byteLength(button.typed) > PLUGIN.maxCommandBytes
        ? []
        : [{ label: button.label, action: { type: "command", command: button.typed } } as const],
    );
    return buttons.length === 0 ? [] : [{ type: "buttons", buttons } as const];
  });
}

function fitted(lines: readonly Line[]): readonly Line[] {
  return fitLines(lines, PLUGIN.maxTextChars);
}

/** The lines for a channel of which nobody knows what it makes of marks: only what can be copied is set apart. */
function plain(lines: readonly Line[]): string {
  return fitted(lines)
    .map((line) =>
      line
        .map((span) => (typeof span === "string" ? span : span.style === "code" ? inCode(span.text) : span.text))
        .join(""),
    )
    .join("\n");
}

/** The lines as markdown in which every text is data. */
function markdown(lines: readonly Line[]): string {
  return fitted(lines)
    .map((line) => plainStart(line.flatMap(asData).map(renderSpan).join("")))
    .join("\n");
}

const ADDRESS = /(https?:\/\/[^\s<>`]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})/;

/** OpenClaw makes links of mail addresses, which are data to copy here; the addresses of pages stay as they are. */
function asData(span: Span): readonly Span[] {
  const text = typeof span === "string" ? span : span.text;
  if (typeof span !== "string" && span.style === "code") return [span];
  return text.split(ADDRESS).flatMap((part, index): Span[] => {
    if (part === "") return [];
    if (index % 2 === 0) return [typeof span === "string" ? part : { text: part, style: span.style }];
    return [part.startsWith("http") ? part : code(part)];
  });
}

const MARKS = { bold: "**", italic: "_" } as const;

function renderSpan(span: Span): string {
  if (typeof span === "string") return span.startsWith("http") && ADDRESS.test(span) ? `<${span}>` : escape(span);
  if (span.style === "code") return inCode(span.text);
  // Marks beside a blank are no marks.
  const [, before = "", text = "", after = ""] = /^(\s*)([\s\S]*?)(\s*)$/.exec(span.text) ?? [];
  return text === "" ? span.text : `${before}${MARKS[span.style]}${escape(text)}${MARKS[span.style]}${after}`;
}

/**
 * Text as it stands. From 2026.5.28 on the converter lets what looks like one of Telegram's HTML tags through, escaped or not (tried
 * with its own code): a word joiner behind the bracket makes it none.
 */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_~[\]<>|&#]/g, String.raw`\$&`).replaceAll(/<(?=[A-Za-z/])/g, "<\u2060");
}

function inCode(text: string): string {
  if (text === "") return "";
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** A number with a dot, a dash or a plus would begin a list. */
function plainStart(line: string): string {
  return line.replace(
    /^(\s*)(?:(\d{1,9})([.)])|([-+=])) /,
    (_all, blank: string, number?: string, dot = "", dash = "") =>
      number === undefined ? `${blank}\\${String(dash)} ` : `${blank}${number}\\${String(dot)} `,
  );
}
