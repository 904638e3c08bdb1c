// A person at the terminal of the demo, for tests.

import { expect, onTestFinished } from "vitest";
import { composeDemo, type Demo } from "../../../src/hosts/demo/compose.ts";
import { talkDemo } from "../../../src/hosts/demo/interactive.ts";
import type { ShownReply } from "../../../src/hosts/demo/scripted.ts";
import type { Choice, TerminalUi } from "../../../src/hosts/terminal/ui.ts";

/** A demo that is closed when its test is over. */
export async function openDemo(shown: ShownReply[] = []): Promise<Demo> {
  const end = new AbortController();
  const demo = await composeDemo((reply, isNews) => void shown.push({ reply, isNews }), end.signal);
  onTestFinished(() => demo.close());
  return demo;
}

/** What a person does: chooses by label, types, looks at what is there, or finds that something cannot be chosen; quits when nothing is left to do. */
export type Step =
  | { readonly choose: string }
  | { readonly refuse: string }
  | { readonly type: string }
  | { readonly look: () => Promise<void> };

function personAt(steps: readonly Step[]): { readonly ui: TerminalUi; readonly printed: string[] } {
  const left = [...steps];
  const printed: string[] = [];
  let typing = "";
  const ui: TerminalUi = {
    print: (block) => void printed.push(block),
    choose: async <T>(_question: string, choices: readonly Choice<T>[]) => {
      let step = left.shift();
      for (; step !== undefined && ("look" in step || "refuse" in step); step = left.shift()) {
        if ("look" in step) await step.look();
        else expect(choices.map(({ label }) => label)).not.toContain(step.refuse);
      }
      if (step === undefined) return undefined;
      if ("type" in step) typing = step.type;
      const wanted = "type" in step ? "Type a command" : step.choose;
      const found = choices.find(({ label }) => label === wanted);
      expect(choices.map(({ label }) => label)).toContain(wanted);
      return found?.value;
    },
    type: () => Promise.resolve(typing),
    typeHidden: () => Promise.resolve(undefined),
    agree: () => Promise.resolve(false),
  };
  return { ui, printed };
}

/** What is printed while a person takes `steps` at the terminal of `demo`. */
export async function talk(demo: Demo, steps: readonly Step[]): Promise<string> {
  const { ui, printed } = personAt(steps);
  await talkDemo(demo, process.stdout, false, ui);
  return printed.join("\n");
}
