// The demo at a terminal: the terminal chat on the sandbox, with a browser that is one more thing to choose.

import type { Reply } from "../../chat/reply.ts";
import { runTerminalChat } from "../terminal/chat.ts";
import { renderReply } from "../terminal/render.ts";
import { clackUi } from "../terminal/ui.ts";
import { approve, signInLink } from "./browser.ts";
import type { Demo } from "./compose.ts";

/** Lets the person talk until they quit. */
export async function talkDemo(demo: Demo, stdout: NodeJS.WritableStream, colors: boolean): Promise<void> {
  const ui = clackUi(stdout);
  const { session, world } = demo;
  demo.showReplies((reply: Reply) => ui.print(renderReply(reply, { colors, hasButtons: true })));
  ui.print(
    "This is a sandbox: a fake sign-in server and a fake gateway in a temporary folder. Nothing of yours is touched.\n" +
      "Try: type `/codex_auth work`, sign in, save. Then let the gateway hang, and do it once more.",
  );
  await runTerminalChat({
    ui,
    session,
    realStore: undefined,
    extras: () => {
      const link = signInLink(session.last);
      const browsers = world.issuer.accounts.map((account) => ({
        label: `Sign in as ${account.email} (${account.planType})`,
        act: async (): Promise<void> => {
          if (link !== undefined) await session.take({ kind: "text", text: approve(world.issuer, link, account) });
        },
      }));
      const isTrouble = demo.isTrouble();
      const trouble = {
        label: isTrouble ? "Let the gateway restart well again" : "Let the gateway hang at its next restart",
        act: () => demo.setTrouble(!isTrouble),
      };
      return link === undefined ? [trouble] : [...browsers, trouble];
    },
  });
}
