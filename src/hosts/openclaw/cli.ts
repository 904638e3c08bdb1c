// `openclaw codex-auth …`: what the plugin knows, as text for whoever sits at the machine; it only looks.

import type { CommandName, Outgoing } from "../../chat/conversation.ts";
import { lineText, type Reply } from "../../chat/reply.ts";
import { findingText } from "../cli/finding.ts";
import type { CliProgram } from "./api.ts";
import type { PluginHost } from "./compose.ts";
import { pluginFindings } from "./doctor.ts";

const NAME = "codex-auth";
const DESCRIPTION = "The Codex logins of this OpenClaw: list, status, doctor";

/** How OpenClaw offers the subcommand before it loads us. */
export const CLI = {
  commands: [NAME],
  descriptors: [{ name: NAME, description: DESCRIPTION, hasSubcommands: true }],
} as const;

/** Adds the subcommands; each puts the plugin together, looks, prints and lets go. */
export function addCli(
  program: CliProgram,
  open: () => Promise<PluginHost>,
  print: (text: string) => void = (text) => void process.stdout.write(`${text}\n`),
): void {
  const root = program.command(NAME).description(DESCRIPTION);
  const look = (name: string, what: string, run: (host: PluginHost) => Promise<string>): void => {
    root
      .command(name)
      .description(what)
      .action(async () => {
        const host = await open();
        try {
          print(await run(host));
        } finally {
          await host.close();
        }
      });
  };
  look("list", "the Codex profiles and how they are", (host) => said(host, "codex_auth", ""));
  look("status", "what is running, waiting and done", (host) => said(host, "codex_auth", "status"));
  look("doctor", "which OpenClaw, store and owners, and what is in the way", async ({ doctor }) =>
    (await pluginFindings(doctor)).map(findingText).join("\n"),
  );
}

/** What the chat says to a command, without what could be pressed: nobody can answer here. */
async function said({ router }: PluginHost, name: CommandName, args: string): Promise<string> {
  const replies: Reply[] = [];
  const show: Outgoing["send"] = (reply) => Promise.resolve(String(replies.push(reply)));
  const asker = { host: "cli", botId: "openclaw", personId: "cli", chatId: "openclaw-cli", private: true } as const;
  const out: Outgoing = { send: show, edit: (_id, reply) => show(reply), deleteIncoming: () => Promise.resolve(false) };
  await router.handle({ ...asker, hasButtons: false }, { kind: "command", name, args }, out);
  return replies.flatMap(({ lines }) => lines.map(lineText)).join("\n");
}
