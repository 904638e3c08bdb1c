// The demo at a terminal: the terminal chat on the sandbox, with a browser that is one more thing to choose.

import type { Reply } from "../../chat/reply.ts";
import { runTerminalChat } from "../terminal/chat.ts";
import { renderReply } from "../terminal/render.ts";
import { clackUi, type TerminalUi } from "../terminal/ui.ts";
import { approve, signInLink } from "./browser.ts";
import type { Demo } from "./compose.ts";

/** Lets the person talk until they quit. */
export async function talkDemo(
  demo: Demo,
  stdout: NodeJS.WritableStream,
  colors: boolean,
  ui: TerminalUi = clackUi(stdout),
): Promise<void> {
  const { session, world } = demo;
  demo.showReplies((reply: Reply) => ui.print(renderReply(reply, { colors, hasButtons: true })));
  ui.print(
    "This is a sandbox: a fake sign-in server, lease broker and gateway in a temporary folder. Nothing of yours is touched.\n" +
      "Try: type `/codex_auth work`, sign in, save. Then have the gateway end at its next restart, and do it once more.\n" +
      "Or type `/lease`, and acquire one; or `/codex_usage`.",
  );
  await runTerminalChat({
    ui,
    session,
    realStore: undefined,
    extras: () => {
      const link = signInLink(session.last);
      // A renewal asks for its own workspace, as the real page would: who is not in it cannot sign in there.
      const browsers = (link === undefined ? [] : world.issuer.eligible(link)).map((account) => ({
        label: `Sign in as ${account.email} (${account.planType})`,
        act: async (): Promise<void> => {
          if (link !== undefined) await session.take({ kind: "text", text: approve(world.issuer, link, account) });
        },
      }));
      const isTrouble = demo.isTrouble();
      const trouble = {
        label: isTrouble
          ? "Start the gateway if it is down, and let it restart well"
          : "Have the gateway end at its next restart",
        act: () => demo.setTrouble(!isTrouble),
      };
      // After the end of its job the lease's card, with its buttons, is one key away.
      const lease = {
        label: "Show the lease",
        act: async (): Promise<void> => void (await session.take({ kind: "command", name: "lease", args: "" })),
      };
      return [...browsers, lease, trouble];
    },
  });
}
