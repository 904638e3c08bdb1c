// Asks for a token: typed without echo, or a file that holds it; what is set can be kept.

import { expandUserPath } from "../../../config/paths.ts";
import { assertOursAlone } from "../../../config/file-access.ts";
import { toCodexAuthError } from "../../../errors.ts";
import { Secret } from "../../../secrets/secret.ts";
import { readTextFile } from "../../../storage/json-file.ts";
import type { Choice } from "../../terminal/ui.ts";
import type { SetupUi } from "./ui.ts";

/** What becomes of a token in the settings. */
export type SecretChange =
  | { readonly kind: "keep" }
  | { readonly kind: "typed"; readonly secret: Secret }
  | { readonly kind: "file"; readonly path: string; readonly secret: Secret };

/** What is asked. */
export interface SecretQuestion {
  /** What it is, such as "The bot's token". */
  readonly what: string;
  /** Where it comes from. */
  readonly from: string;
  /** How it is set now, such as `in config.json`; undefined: it is not. */
  readonly set: string | undefined;
  /** What it is called to go on without one, where none is set; undefined: that cannot be. */
  readonly without: string | undefined;
  readonly judge: (text: string) => string | undefined;
  /** What `~` is. */
  readonly home: string;
  readonly uid: number | undefined;
}

/** Asks; never shows a token, only whether one is set. */
export async function askSecret(ui: SetupUi, question: SecretQuestion): Promise<SecretChange> {
  const { what, from, set, without } = question;
  const how = await ui.choose<"keep" | "type" | "file">(`${what}${set === undefined ? "" : ` (set ${set})`}`, [
    ...(set === undefined ? [] : [{ value: "keep", label: "Keep it" } satisfies Choice<"keep">]),
    { value: "type", label: set === undefined ? "Enter it now" : "Enter another one", hint: "not shown, 0600 file" },
    { value: "file", label: "Name a file that holds it", hint: "the file stays where it is" },
    ...(set === undefined && without !== undefined ? [{ value: "keep", label: without } as const] : []),
  ]);
  if (how === "keep") return { kind: "keep" };
  if (how === "file") return askFile(ui, question);
  const text = await ui.typeHidden({ question: `${what} from ${from}`, judge: question.judge });
  return { kind: "typed", secret: Secret.of(text) };
}

async function askFile(ui: SetupUi, question: SecretQuestion): Promise<SecretChange> {
  for (;;) {
    const typed = await ui.type({
      question: "Its path",
      example: "~/secrets/token",
      judge: (text) => (text === "" ? "A path, such as ~/secrets/token." : undefined),
    });
    const path = expandUserPath(typed, question.home);
    try {
      await assertOursAlone(path, question.uid);
      const text = ((await readTextFile(path, 4_096)) ?? "").trim();
      const problem = text === "" ? `There is no such file, or it is empty: ${path}` : question.judge(text);
      if (problem === undefined) return { kind: "file", path, secret: Secret.of(text) };
      ui.tell([{ what: "file", state: "fail", text: problem }]);
    } catch (error) {
      const { message, next } = toCodexAuthError(error);
      ui.tell([{ what: "file", state: "fail", text: message, next }]);
    }
  }
}
