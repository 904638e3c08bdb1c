// Structured replies: lines of spans and rows of buttons, and the plain text that stands in where there are no buttons.

/** A piece of a line: plain data, or data with a style. Every host escapes the text for its own surface. */
export type Span = string | { readonly text: string; readonly style: "bold" | "code" | "italic" };

/** One line of a reply. */
export type Line = readonly Span[];

/** A button that does something: `data` for surfaces with callbacks, `typed` for everything else. */
export interface ActionButton {
  readonly kind: "action";
  readonly label: string;
  /** Signed callback data, at most 64 bytes. */
  readonly data: string;
  /** The same as a typed command, for example `/codex_auth work`. */
  readonly typed: string;
  readonly style?: "primary" | "danger";
  /** Set where the numbered list of the reply, or doing nothing, is the same: the text fallback does not repeat it. */
  readonly inList?: true;
}

/** A button that opens an address. */
interface UrlButton {
  readonly kind: "url";
  readonly label: string;
  readonly url: string;
}

/** Any button. */
export type Button = ActionButton | UrlButton;

/** What a host is to show: it decides how, never what. */
export interface Reply {
  readonly lines: readonly Line[];
  /** Rows of buttons, top to bottom. */
  readonly buttons?: readonly (readonly Button[])[];
  /** The names that 1, 2, 3 … stand for while this list is the last one shown. */
  readonly choices?: readonly string[];
  /** The command that takes such a number, where a bare number would go to somebody else. Default `/codex_auth`. */
  readonly choiceCommand?: string;
  /** True for a step on the way: a host that cannot edit its messages leaves it out, for something that stays will follow. */
  readonly isPassing?: true;
  /** Set where the reply says that something failed: the command line makes its exit code of it. */
  readonly problem?: { readonly code: string; readonly message: string; readonly next: string };
}

/** Bold data. */
export function bold(text: string): Span {
  return { text, style: "bold" };
}

/** Data that a person may copy: a command, a name, an id. */
export function code(text: string): Span {
  return { text, style: "code" };
}

/** The text of one span without its style. */
function spanText(span: Span): string {
  return typeof span === "string" ? span : span.text;
}

/** The text of one line without styles. */
export function lineText(line: Line): string {
  return line.map(spanText).join("");
}

/** What stands in for the buttons of `reply` where there are none: `how` to answer, the typed commands, the addresses. */
export function fallbackLines(reply: Reply, how: Line = ["Answer by number or name."]): readonly Line[] {
  const lines: Line[] = [];
  if (reply.choices !== undefined && reply.choices.length > 0) lines.push(how);
  for (const button of (reply.buttons ?? []).flat()) {
    if (button.kind === "url") lines.push([`${button.label}: `, button.url]);
    else if (button.inList !== true) lines.push([`${button.label}: `, code(button.typed)]);
  }
  return lines;
}

/** `reply` as plain text with its fallback lines, for hosts without buttons or styles. */
export function plainText(reply: Reply): string {
  const fallback = fallbackLines(reply);
  const body = reply.lines.map(lineText);
  return (fallback.length === 0 ? body : [...body, "", ...fallback.map(lineText)]).join("\n");
}
