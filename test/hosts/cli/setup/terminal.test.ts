// The set-up's questions on a terminal that hears keys.

import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { clackSetupUi } from "../../../../src/hosts/cli/setup/clack-ui.ts";

function terminal() {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => void modes.push(on) });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 60, rows: 40 });
  let screen = "";
  stdout.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  const ui = clackSetupUi({ stdin, stdout } as unknown as Parameters<typeof clackSetupUi>[0]);
  return { ui, modes, press: (keys: string) => void stdin.write(keys), screen: () => screen };
}

describe("work that is shown", () => {
  it("gives its result, with what was said on the way", async () => {
    const { ui, screen, modes } = terminal();
    const result = await ui.working({
      label: "Asking",
      run: async (_signal, say) => {
        say("somebody wrote\u001B[2J");
        return 7;
      },
    });
    expect(result).toBe(7);
    expect(screen()).toContain("Asking");
    expect(screen()).toContain("somebody wrote");
    expect(screen()).not.toContain("\u001B[2J");
    expect(modes.at(-1)).toBe(false);
  });

  it.each([
    ["Escape, where it may be skipped", "\u001B", true, undefined],
    ["Ctrl-C", "\u0003", false, "ERR_CANCELLED"],
  ])("is ended by %s, also where it does not listen", async (_name, key, canSkip, code) => {
    const { ui, press } = terminal();
    let signal: AbortSignal | undefined;
    const working = ui.working({
      label: "Waiting",
      canSkip,
      run: (given) => {
        signal = given;
        press(key);
        return new Promise<never>(() => undefined);
      },
    });
    if (code === undefined) expect(await working).toBeUndefined();
    else await expect(working).rejects.toMatchObject({ code });
    expect(signal?.aborted).toBe(true);
  });

  it("takes neither an arrow key for Escape nor Escape where it may not be skipped", async () => {
    const { ui, press } = terminal();
    const arrow = ui.working({
      label: "Waiting",
      canSkip: true,
      run: async (signal) => {
        press("\u001B[A");
        await new Promise((resolve) => setImmediate(resolve));
        return signal.aborted;
      },
    });
    expect(await arrow).toBe(false);
    const check = ui.working({
      label: "Asking",
      run: async (signal) => {
        press("\u001B");
        await new Promise((resolve) => setImmediate(resolve));
        return signal.aborted;
      },
    });
    expect(await check).toBe(false);
  });
});

describe("questions", () => {
  it("show nothing of what is typed hidden, and are stopped by Ctrl-C", async () => {
    const { ui, press, screen } = terminal();
    const hidden = ui.typeHidden({ question: "Token" });
    press("s3cret-word");
    press("\r");
    expect(await hidden).toBe("s3cret-word");
    expect(screen()).not.toContain("s3c");
    const stopped = ui.agree("Write?", true);
    press("\u0003");
    await expect(stopped).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  it("keep what stands there at Enter, and break long lines between words", async () => {
    const { ui, press, screen } = terminal();
    const typed = ui.type({ question: "Address", initial: "https://a.example" });
    press("\r");
    expect(await typed).toBe("https://a.example");
    ui.note("a long line of many words that does not fit into sixty columns of a terminal at all");
    const shown = screen()
      .split("\n")
      .filter((line) => /words|terminal at all/.test(line));
    expect(shown.every((line) => line.length < 75)).toBe(true);
    expect(shown).toHaveLength(2);
  });
});
