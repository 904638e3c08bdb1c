// The composition root of the terminal chat: the domains of this machine's OpenClaw, the chat, and the terminal.

import { buildChatServices, type Parts } from "../services.ts";
import { runTerminalChat } from "./chat.ts";
import { renderReply } from "./render.ts";
import { TerminalSession } from "./session.ts";
import { clackUi, type TerminalUi } from "./ui.ts";

/** What {@link startTerminalChat} is given. */
export interface TerminalHostOptions {
  readonly parts: Parts;
  readonly stdout: NodeJS.WritableStream;
  readonly ui?: TerminalUi;
}

/** Takes up what an earlier process left, then talks until the person quits. */
export async function startTerminalChat({ parts, stdout, ui = clackUi(stdout) }: TerminalHostOptions): Promise<void> {
  const style = { colors: !parts.environment.noColor, hasButtons: true };
  const session = new TerminalSession({
    parts,
    services: await buildChatServices(parts),
    host: "terminal",
    hasButtons: true,
    show: (reply) => ui.print(renderReply(reply, style)),
  });
  await parts.engine.resume().catch((error: unknown) => parts.log.error("terminal.resume-jobs", error));
  const { files } = await parts.store
    .read(parts.config.agentId)
    .catch(() => ({ files: [parts.openClaw.mainAgentDir] }));
  try {
    await runTerminalChat({ ui, session, realStore: files[0] ?? parts.openClaw.mainAgentDir });
  } finally {
    await session.close();
  }
}
