// A reply as terminal text: styles where colours are wanted, addresses written out, nothing that could move the cursor.

import { styleText } from "node:util";
import { fallbackLines, type Line, type Reply, type Span } from "../../chat/reply.ts";

/** How replies are shown. */
export interface TerminalStyle {
  readonly colors: boolean;
  /** Whether buttons can be pressed here; where not, their typed commands are listed. */
  readonly hasButtons: boolean;
  /** What the person types here for what is typed `/codex_auth …` in a chat. Default: the same. */
  readonly typed?: (command: string) => string;
}

const STYLES = { bold: "bold", code: "cyan", italic: "italic" } as const;

/** The text of `reply`, without a final line end. */
export function renderReply(reply: Reply, style: TerminalStyle): string {
  const addresses = (reply.buttons ?? [])
    .flat()
    .flatMap((button): Line[] => (button.kind === "url" ? [[`${button.label}: `, button.url]] : []));
  const rest = style.hasButtons ? addresses : fallbackLines(reply);
  const lines = rest.length === 0 ? reply.lines : [...reply.lines, [], ...rest];
  return lines.map((line) => line.map((span) => renderSpan(span, style)).join("")).join("\n");
}

function renderSpan(span: Span, { colors, typed }: TerminalStyle): string {
  const data = withoutControls(typeof span === "string" ? span : span.text);
  const text = typed === undefined ? data : typedHere(data, typed);
  return typeof span === "string" || !colors ? text : styleText(STYLES[span.style], text, { validateStream: false });
}

/** `text` with each command of the chat as it is typed here. */
export function typedHere(text: string, typed: (command: string) => string): string {
  return text.replaceAll(
    /(?<![\w/.-])\/(?:codex_auth|codex_usage|lease)(?![\w/])(?: [\w<[](?:[^`,;:.]|[:.](?=\S))*)?/g,
    typed,
  );
}

/** Data may hold anything; an escape sequence in an e-mail address must not clear the screen. Our own lines have no line ends inside. */
function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ");
}
