// What Telegram finds in a text by itself: commands, e-mail addresses, links. Nothing is found inside code.

import type { Entity, FormattedText } from "./html.ts";

const FINDERS: readonly { readonly type: string; readonly pattern: RegExp }[] = [
  { type: "email", pattern: /(?<![\w.@+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi },
  { type: "url", pattern: /https?:\/\/[^\s<>"]+/gi },
  { type: "bot_command", pattern: /(?<![\w/<>])\/[a-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/@])/gi },
];

/** `text` with the entities that the server adds to those of the markup. */
export function withFoundEntities({ text, entities }: FormattedText): FormattedText {
  const found: Entity[] = [...entities];
  for (const { type, pattern } of FINDERS) {
    for (const match of text.matchAll(pattern)) {
      const entity = { type, offset: match.index, length: match[0].length };
      const isTaken = found.some((other) => BLOCKING.has(other.type) && overlaps(other, entity));
      if (!isTaken) found.push(entity);
    }
  }
  return { text, entities: found.toSorted((a, b) => a.offset - b.offset) };
}

const BLOCKING = new Set(["code", "pre", "text_link", "email", "url", "bot_command"]);

function overlaps(a: Entity, b: Entity): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}
