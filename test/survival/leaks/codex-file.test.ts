// The Codex CLI's login in and out: what stands in that file is on no screen, in no log and in no name.

import { describe, expect, it } from "vitest";
import { callAtTerminal } from "../../hosts/cli/terminal-call.ts";
import { codexDocument, codexFileLab, loginOf } from "../../hosts/cli/codex-file-lab.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { pick } from "../../hosts/terminal/terminal-lab.ts";
import { LeakWatch, type Canary } from "../lab/leak-watch.ts";
import { tellFigure } from "../lab/run.ts";

const HOMES =
  /^(?:\.openclaw\/agents\/main\/agent\/\.?auth-profiles\.json|\.openclaw\/codex-auth\/(?:parked|queue\/secrets)\/|\.codex\/\.?auth\.json)/;

describe("the login of the Codex CLI", () => {
  it("is, through import and export, only in its file, among the waiting ones, with its job and in the store", async () => {
    const umask = process.umask(0);
    const lab = await codexFileLab();
    const watch = new LeakWatch(lab.home);
    const [grace, alice] = [loginOf("grace"), loginOf("alice")];
    try {
      lab.put(codexDocument(grace));
      const terminal = async (args: readonly string[], ...labels: readonly string[]): Promise<void> => {
        const { written } = await callAtTerminal(lab, args, { steps: labels.map(pick) });
        watch.note(`screen of ${args.join(" ")}`, written);
        watch.look();
      };
      await terminal(["import", "work"], "Decide later");
      const { queue, parked } = lab.parts.engine;
      const [waiting] = await parked.list();
      await queue.enqueueLogin({
        parkedId: waiting?.id ?? "",
        agentId: "main",
        profileId: "openai-codex:work",
        makeFirst: true,
        activation: "auto",
        requestedBy: { host: "cli", chatId: "cli", personId: "1" },
      });
      watch.look();
      await executeOpenJobs(lab.parts, "foreground");
      await terminal(["import", "work"]);
      // Somebody else's login in that file is kept first.
      lab.put(codexDocument(alice));
      await terminal(["export", "work"]);
      // A file that is no login is not repeated either.
      lab.put(`{"tokens": "${grace.refresh}"`);
      watch.note("screen of a broken file", (await callAtTerminal(lab, ["import", "again"])).written);
      watch.note("log", lab.logged.join("\n"));
    } finally {
      process.umask(umask);
    }
    const logins = Object.entries({ grace, alice });
    const canaries: readonly Canary[] = logins.flatMap(([name, login]) =>
      (["access", "refresh", "id"] as const).map((kind) => ({
        name: `${kind} of ${name}`,
        secret: login[kind],
        allowed: HOMES,
      })),
    );
    const { leaks, homes } = watch.judge(canaries);
    expect(leaks).toEqual([]);
    const met = [...homes].join("\n");
    for (const home of [/^refresh of grace in .*auth-profiles/m, /^refresh of grace in .*parked/m, /^id of alice in/m])
      expect(met).toMatch(home);
    tellFigure("leaks, the Codex CLI's file", canaries.length, "secrets looked for");
  });
});
