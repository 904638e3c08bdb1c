// The set-up's questions at a real terminal.

import { CANCEL_SYMBOL, confirm, log, password, select, text } from "@clack/prompts";
import { styleText } from "node:util";
import { findingText } from "../finding.ts";
import type { CliHost } from "../io.ts";
import { stopped, type SetupUi } from "./ui.ts";
import { showWorking } from "./working.ts";

/** What clack puts before each line. */
const GUIDE_CHARS = 4;

/** The terminal of `host`. */
export function clackSetupUi({ stdin, stdout }: Pick<CliHost, "stdin" | "stdout">): SetupUi {
  const streams = { input: stdin, output: stdout };
  const fit = (line: string): readonly string[] => wrapped(line, Math.max(40, stdout.columns - GUIDE_CHARS));
  return {
    heading: (title) => log.step(styleText("bold", title, { stream: stdout }), { output: stdout }),
    tell: (findings) => {
      if (findings.length > 0)
        log.message(findings.flatMap((one) => findingText(one).split("\n")).flatMap(fit), { output: stdout });
    },
    note: (line) => log.message([...fit(line)], { output: stdout }),
    choose: async (question, choices) => {
      // clack's options want their value to decide their type; an index says the same for any value.
      const options = choices.map(({ label, hint }, value) => ({
        value,
        label,
        ...(hint === undefined ? {} : { hint }),
      }));
      const chosen = choices[answered(await select({ message: question, options, ...streams }))];
      if (chosen === undefined) throw stopped();
      return chosen.value;
    },
    type: async ({ question, initial, example, judge }) =>
      answered(
        await text({
          message: question,
          ...(initial === undefined ? {} : { initialValue: initial }),
          ...(example === undefined ? {} : { placeholder: example }),
          ...(judge === undefined ? {} : { validate: (answer) => judge((answer ?? "").trim()) }),
          ...streams,
        }),
      ).trim(),
    typeHidden: async ({ question, judge }) =>
      // clack gives undefined where nothing was typed.
      (
        answered<string | undefined>(
          await password({
            message: question,
            ...(judge === undefined ? {} : { validate: (answer) => judge((answer ?? "").trim()) }),
            clearOnError: true,
            ...streams,
          }),
        ) ?? ""
      ).trim(),
    agree: async (question, initial) =>
      answered(await confirm({ message: question, initialValue: initial, ...streams })),
    working: (work) => showWorking({ stdin, stdout }, work),
  };
}

/** The answer; clack answers with a mark of its own where the person pressed Ctrl-C or Escape. */
function answered<T>(value: T | typeof CANCEL_SYMBOL): T {
  if (value === CANCEL_SYMBOL) throw stopped();
  return value;
}

/** `line` on lines of at most `width`, broken between words; what follows is indented as it is, so that the frame stays whole. */
function wrapped(line: string, width: number): readonly string[] {
  const [indent = ""] = /^ */.exec(line) ?? [];
  const lines: string[] = [];
  let current = "";
  for (const word of line.trim().split(" ")) {
    const longer = current === "" ? `${indent}${word}` : `${current} ${word}`;
    if (longer.length <= width || current === "") current = longer;
    else {
      lines.push(current);
      current = `${indent}${word}`;
    }
  }
  return [...lines, current];
}
