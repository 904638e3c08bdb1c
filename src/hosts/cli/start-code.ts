// `start --device`: a sign-in by device code at the terminal, with its live state; Ctrl-C gives it up.

import type { DeviceSignIn } from "../../chat/device-sign-ins.ts";
import { CodexAuthError } from "../../errors.ts";
import { resolveSelector } from "../../profiles/selector.ts";
import { isCodeCard } from "../terminal/waiting.ts";
import type { Call, CommandRun } from "./call.ts";
import { chooseOn } from "./decide.ts";
import { askAndFinish } from "./finish.ts";
import { openSession, type CliSession } from "./open.ts";

/** Shows a code and waits until it is entered, or goes on with the one that a killed call has left for this profile. */
export async function signInByCode(call: Call, name: string): ReturnType<CommandRun> {
  // The terminal's person: so that `chat` takes the code up again, should this call be killed.
  const cli = await openSession(call, { presses: true, hears: true, host: "terminal" });
  const { session } = cli;
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  call.host.signals.once("SIGINT", stop);
  try {
    const hasResumed = (await session.resume(await leftFor(cli, name))) > 0;
    let isWaiting = await session.isWaitingForCode();
    if (isWaiting) call.output.progress("That is the code that an earlier call was waiting for.");
    // Left, and ended in between: that is told first, and a login that has come is decided on.
    else if (hasResumed) await session.codesEntered();
    if (!isWaiting && !hasChoices(cli)) {
      await session.take({ kind: "command", name: "codex_auth", args: `device ${name}` });
      isWaiting = await session.isWaitingForCode();
    }
    // The server has no code to give: the card is that of a link.
    if (!isWaiting && hasLink(cli)) return await askAndFinish(call, cli, name);
    if (isWaiting) {
      call.output.progress(`Ctrl-C gives it up; \`codex-auth-skill start ${name} --link\` signs in with a link.`);
      await Promise.race([session.codesEntered(), aborted(stopped.signal)]);
      if (stopped.signal.aborted) {
        await session.close();
        throw givenUp(name);
      }
    }
    call.host.signals.off("SIGINT", stop);
    await session.settle();
    const hasCome = session.told.length > 0 || hasChoices(cli);
    if (hasCome) await chooseOn(call, cli);
    const result = cli.result();
    return hasCome || result.problem !== undefined ? result : { ...result, problem: endedWithout(name) };
  } finally {
    call.host.signals.off("SIGINT", stop);
    await cli.browser?.close();
    await session.close();
  }
}

/** Whether a code is one that a killed terminal has left for the profile `name`. */
export async function leftFor({ parts }: CliSession, name: string): Promise<(signIn: DeviceSignIn) => boolean> {
  const { agentId } = parts.config;
  const { provider, summaries } = await parts.store.read(agentId);
  const known = summaries.map(({ id }) => id);
  const { profileId } = resolveSelector(name, known, provider);
  return (signIn) => signIn.agentId === agentId && signIn.profileId === profileId;
}

function hasChoices({ session }: CliSession): boolean {
  return (session.last?.buttons ?? []).length > 0;
}

function hasLink({ session }: CliSession): boolean {
  const { last } = session;
  return last !== undefined && !isCodeCard(last) && (last.buttons ?? []).flat().some(({ kind }) => kind === "url");
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function givenUp(name: string): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "You stopped: the code is of no use any more, and no profile was changed.",
    next: `Start again with \`codex-auth-skill start ${name} --device\`; a login that came at that moment is in \`codex-auth-skill parked\`.`,
  });
}

/** What is on the screen says why; this makes the exit code of it. */
function endedWithout(name: string): { readonly code: string; readonly message: string; readonly next: string } {
  const message = "The sign-in has ended without a login; no profile was changed.";
  return { code: "ERR_CANCELLED", message, next: `Start again with \`codex-auth-skill start ${name}\`.` };
}
