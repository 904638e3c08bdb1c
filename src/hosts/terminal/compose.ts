// The composition root of the terminal chat: the domains of this machine's OpenClaw, the chat, and the terminal.

import type { LoopbackOptions } from "../../oauth/loopback.ts";
import { machineTimeZone } from "../machine-time-zone.ts";
import { buildChatServices, type Parts } from "../services.ts";
import { hearBrowser } from "./browser-return.ts";
import { runTerminalChat } from "./chat.ts";
import { renderReply } from "./render.ts";
import { TerminalSession } from "./session.ts";
import { clackUi, type TerminalUi } from "./ui.ts";

/** What {@link startTerminalChat} is given. */
export interface TerminalHostOptions {
  readonly parts: Parts;
  readonly stdout: NodeJS.WritableStream;
  readonly ui?: TerminalUi;
  /** Where the browser of a sign-in comes back to. */
  readonly loopback?: LoopbackOptions;
}

/** Takes up what an earlier process left, then talks until the person quits. */
export async function startTerminalChat(options: TerminalHostOptions): Promise<void> {
  const { parts, stdout, ui = clackUi(stdout) } = options;
  const style = { colors: !parts.environment.noColor, hasButtons: true };
  const services = await buildChatServices(parts, { timeZone: machineTimeZone() });
  const browser = hearBrowser(parts, services, options.loopback);
  const session = new TerminalSession({
    parts,
    services: browser.services,
    host: "terminal",
    hasButtons: true,
    show: (reply) => ui.print(renderReply(reply, style)),
    // A device code that was entered, for one: it is not answered to anything, and brings buttons of its own.
    interrupt: () => browser.arrivals.add(() => Promise.resolve()),
  });
  browser.connect(session, (text) => ui.print(text));
  await parts.engine.resume().catch((error: unknown) => parts.log.error("terminal.resume-jobs", error));
  const { files } = await parts.store
    .read(parts.config.agentId)
    .catch(() => ({ files: [parts.openClaw.mainAgentDir] }));
  const leaving = new AbortController();
  const listening = session.hearEnds(leaving.signal);
  try {
    const realStore = files[0] ?? parts.openClaw.mainAgentDir;
    await runTerminalChat({ ui, session, realStore, arrivals: browser.arrivals });
  } finally {
    leaving.abort();
    await listening;
    await browser.close();
    await session.close();
  }
}
