// Shows that something is being worked on, and hears Ctrl-C and Escape meanwhile.

import { SETUP } from "../../../config/defaults.ts";
import { cleanText } from "../../../clean-text.ts";
import { stopped, type Work } from "./ui.ts";

const FRAMES = ["◒", "◐", "◓", "◑"] as const;
const CTRL_C = "\u0003";
const ESCAPE = "\u001B";
const CLEAR_LINE = "\r\u001B[2K";
const LINE_UP = "\u001B[1A";
const MAX_CHARS = 300;

/**
 * Runs `work` with a moving line. Not clack's spinner: at Ctrl-C that ends the process with 0, as if all were done, and what
 * somebody types meanwhile (a token that is pasted twice) would be echoed by the terminal.
 */
export async function showWorking<T>(
  { stdin, stdout }: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream },
  { label, canSkip = false, run }: Work<T>,
): Promise<T | undefined> {
  const ending = new AbortController();
  let isQuit = false;
  const hear = (chunk: Buffer | string): void => {
    const keys = chunk.toString();
    if (keys.includes(CTRL_C)) isQuit = true;
    // An arrow key begins with the same character.
    else if (!canSkip || keys !== ESCAPE) return;
    ending.abort();
  };
  let frame = 0;
  let hasSaid = false;
  const draw = (): void => {
    stdout.write(`${CLEAR_LINE}${FRAMES[frame % FRAMES.length] ?? ""}  ${label}${canSkip ? " (Esc: no more)" : ""} …`);
    frame += 1;
  };
  const say = (line: string): void => {
    hasSaid = true;
    stdout.write(`${CLEAR_LINE}│  ${cleanText(line, MAX_CHARS)}\n`);
    draw();
  };
  stdin.setRawMode?.(true);
  stdin.on("data", hear);
  stdin.resume();
  stdout.write("│\n");
  draw();
  const timer = setInterval(draw, SETUP.frameMs);
  try {
    const ended = new Promise<undefined>((resolve) => {
      ending.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    const running = run(ending.signal, say);
    // What is given up fails by the signal, or never: either is nobody's concern any more.
    running.catch(() => undefined);
    const result = await Promise.race([running, ended]);
    if (isQuit) throw stopped();
    return result;
  } finally {
    clearInterval(timer);
    stdin.off("data", hear);
    stdin.setRawMode?.(false);
    stdin.pause();
    stdout.write(hasSaid ? CLEAR_LINE : `${CLEAR_LINE}${LINE_UP}${CLEAR_LINE}`);
  }
}
