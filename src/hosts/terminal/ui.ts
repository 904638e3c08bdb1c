// What the terminal chat needs of a terminal: print, choose with the arrow keys, type, type without echo.

import { confirm, isCancel, password, select, text } from "@clack/prompts";

/** One thing that can be chosen. */
export interface Choice<T> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

/**
 * A terminal, or what a test puts in its place. Undefined means that the person pressed Ctrl-C or Escape, or that `interrupt`
 * was aborted, which closes the question.
 */
export interface TerminalUi {
  print(block: string): void;
  choose<T>(question: string, choices: readonly Choice<T>[], interrupt?: AbortSignal): Promise<T | undefined>;
  type(question: string, interrupt?: AbortSignal): Promise<string | undefined>;
  typeHidden(question: string, interrupt?: AbortSignal): Promise<string | undefined>;
  agree(question: string, interrupt?: AbortSignal): Promise<boolean>;
}

/** The terminal of this process. */
export function clackUi(stdout: NodeJS.WritableStream): TerminalUi {
  return {
    print: (block) => void stdout.write(`\n${block}\n`),
    choose: async <T>(question: string, choices: readonly Choice<T>[], interrupt?: AbortSignal) => {
      // clack's options want their value to decide their type; an index says the same for any value.
      const options = choices.map(({ label, hint }, value) => ({
        value,
        label,
        ...(hint === undefined ? {} : { hint }),
      }));
      const chosen = await select({ message: question, options, maxItems: 12, ...until(interrupt) });
      return isCancel(chosen) ? undefined : choices[chosen]?.value;
    },
    type: async (message, interrupt) => textOf(await text({ message, ...until(interrupt) })),
    typeHidden: async (message, interrupt) => textOf(await password({ message, ...until(interrupt) })),
    agree: async (message, interrupt) =>
      (await confirm({ message, initialValue: false, ...until(interrupt) })) === true,
  };
}

function until(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function textOf(answer: string | symbol | undefined): string | undefined {
  return typeof answer === "string" ? answer : undefined;
}
