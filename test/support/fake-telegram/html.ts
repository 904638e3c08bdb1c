// Telegram's HTML: parses it to text and entities, and refuses what the real parser refuses.

import { badRequest } from "./api-error.ts";

/** An entity as the Bot API gives it; offsets and lengths count UTF-16 units. */
export interface Entity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
}

/** Text without markup, and what the markup said about it. */
export interface FormattedText {
  readonly text: string;
  readonly entities: readonly Entity[];
}

const TAGS: Readonly<Record<string, string>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  a: "text_link",
};
const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };
const TAG = /^<(\/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))?)*)\s*>/;

interface OpenTag {
  readonly name: string;
  readonly offset: number;
  readonly url?: string;
}

/** The formatted text of `html`. @throws ApiError `can't parse entities: …` as the real server words it. */
export function parseHtml(html: string): FormattedText {
  const open: OpenTag[] = [];
  const entities: Entity[] = [];
  let text = "";
  let index = 0;
  while (index < html.length) {
    const rest = html.slice(index);
    if (rest.startsWith("<")) {
      const match = TAG.exec(rest);
      const bytes = Buffer.byteLength(html.slice(0, index));
      const name = match?.[2]?.toLowerCase();
      if (match === null || name === undefined) {
        throw cannotParse(`Unsupported start tag "${/^<(\S*)/.exec(rest)?.[1] ?? ""}" at byte offset ${bytes}`);
      }
      if (match[1] === "/") closeTag(name, bytes, open, entities, text.length);
      else open.push(startTag(name, match[3] ?? "", bytes, text.length));
      index += match[0].length;
    } else if (rest.startsWith("&")) {
      const { value, length } = decodeReference(rest);
      text += value;
      index += length;
    } else {
      text += html[index] ?? "";
      index += 1;
    }
  }
  const left = open.at(-1);
  if (left !== undefined) throw cannotParse(`Can't find end tag corresponding to start tag "${left.name}"`);
  return { text, entities: entities.toSorted((a, b) => a.offset - b.offset) };
}

function startTag(name: string, attributes: string, bytes: number, offset: number): OpenTag {
  if (TAGS[name] === undefined) throw cannotParse(`Unsupported start tag "${name}" at byte offset ${bytes}`);
  const url = /href\s*=\s*["']?([^"'>]*)/.exec(attributes)?.[1];
  return { name, offset, ...(url === undefined ? {} : { url }) };
}

function closeTag(name: string, bytes: number, open: OpenTag[], entities: Entity[], end: number): void {
  const tag = open.pop();
  if (tag === undefined) throw cannotParse(`Unexpected end tag at byte offset ${bytes}`);
  if (tag.name !== name) {
    throw cannotParse(`Unmatched end tag at byte offset ${bytes}, expected "</${tag.name}>", found "</${name}>"`);
  }
  const type = TAGS[name] ?? "";
  const length = end - tag.offset;
  if (length > 0)
    entities.push({ type, offset: tag.offset, length, ...(tag.url === undefined ? {} : { url: tag.url }) });
}

/** An ampersand that starts no known reference stays an ampersand, as with the real parser. */
function decodeReference(rest: string): { value: string; length: number } {
  const [whole, decimal, hex, named] = /^&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));?/i.exec(rest) ?? [];
  if (whole === undefined) return { value: "&", length: 1 };
  if (named !== undefined) {
    const value = NAMED[named];
    return value === undefined ? { value: "&", length: 1 } : { value, length: whole.length };
  }
  const point = decimal === undefined ? Number.parseInt(hex ?? "0", 16) : Number(decimal);
  return point === 0 || point > 0x10ffff
    ? { value: "&", length: 1 }
    : { value: String.fromCodePoint(point), length: whole.length };
}

function cannotParse(why: string): Error {
  return badRequest(`can't parse entities: ${why}`);
}
