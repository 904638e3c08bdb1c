// `lease`: this machine's lease; `lease keep` keeps it in the foreground, for a service manager.

import { text as readAll } from "node:stream/consumers";
import { hasEnded } from "../../apply/job.ts";
import { LEASE } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { CODEX_PROVIDER, profileIdFor } from "../../profiles/profile-id.ts";
import { fileLog } from "../file-log.ts";
import { LeaseHost } from "../lease.ts";
import type { Parts } from "../services.ts";
import type { Call, CommandRun } from "./call.ts";
import type { Result } from "./io.ts";
import { openParts, openSession, type CliSession } from "./open.ts";

/** Shows the lease, does what the words ask for, or keeps it. */
export const lease: CommandRun = async (call) => {
  const [word = ""] = call.words;
  if (word === "keep" || word === "observe") {
    if (call.words.length > 1) throw takesNothing(word);
    return word === "keep" ? keep(call) : observe(call);
  }
  const isLook = word === "" || word === "status" || word === "help";
  const cli = await openSession(call, { readOnly: isLook });
  const flags = call.options["sure"] === true ? ["yes"] : [];
  const args = [...call.words, ...flags].join(" ");
  await cli.session.take({ kind: "command", name: "lease", args });
  if (!isLook) await untilStored(cli);
  const result = cli.result();
  return call.output.isJson ? { ...result, data: { ...result.data, ...(await leaseData(cli.parts)) } } : result;
};

/** Counts usage events from standard input, one JSON object a line, for the lease that is held now, and tells them. */
async function observe(call: Call): Promise<Result> {
  if (call.host.stdin.isTTY) throw needsEvents("Nothing comes from standard input.");
  const lines = (await readAll(call.host.stdin)).split("\n").filter((line) => line.trim() !== "");
  // All of them are read before the first is counted: half a count could not be repeated.
  const events = lines.map(parseEvent);
  const host = new LeaseHost(await openParts(call));
  try {
    const skipped: number[] = [];
    for (const [index, event] of events.entries()) if (!(await host.observe(event))) skipped.push(index + 1);
    const counted = events.length - skipped.length;
    if (counted === 0)
      throw needsEvents("No line of standard input says how many tokens were used; nothing was counted.");
    const told = await host.tell();
    const totals = await host.totals();
    // They are counted and on disk: a call that said it failed would be repeated, and they would be counted twice.
    const later = told.error === undefined ? "" : ` They are not told yet: ${told.error.message}`;
    return {
      text: `Counted ${counted} of ${events.length} events.${skippedWords(skipped)}${later}`,
      data: { counted, events: events.length, skipped, told: told.error === undefined, usage: totals ?? null },
    };
  } finally {
    await host.close();
  }
}

function skippedWords(lines: readonly number[]): string {
  if (lines.length === 0) return "";
  const shown = lines.slice(0, 10).join(", ");
  return ` Left out, because they name no tokens: line ${shown}${lines.length > 10 ? " and more" : ""}.`;
}

function takesNothing(word: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: `\`lease ${word}\` takes nothing behind it.`,
    next: "See `codex-auth-skill lease help`.",
  });
}

function parseEvent(line: string, index: number): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw needsEvents(`Line ${index + 1} of standard input is not JSON; nothing was counted.`);
  }
}

function needsEvents(message: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message,
    next: 'Give one JSON object a line, such as {"usage":{"prompt_tokens":120,"completion_tokens":40},"model":"gpt-5.4"}.',
  });
}

/** Keeps the lease until a signal ends it. */
async function keep(call: Call): Promise<Result> {
  const { own } = await openParts(call);
  const { log, close } = await fileLog(own.log, "lease");
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  const { signals } = call.host;
  signals.once("SIGINT", stop);
  signals.once("SIGTERM", stop);
  const parts = await openParts(call, log);
  const host = new LeaseHost(parts);
  try {
    const { machineId, agentId } = parts.config.lease;
    await parts.engine.resume().catch((error: unknown) => log.error("lease.resume-jobs", error));
    call.output.progress(
      `Keeping the lease of ${machineId} / ${agentId}; Ctrl-C ends it. See \`codex-auth-skill lease\`.`,
    );
    await host.keep(stopping.signal, (line) => call.output.progress(line));
    return { text: "The keeper has stopped.", data: { machineId, agentId } };
  } finally {
    signals.off("SIGINT", stop);
    signals.off("SIGTERM", stop);
    await host.close();
    await close();
  }
}

/** A command is over when its tokens are where they belong: whoever runs it next relies on that. */
async function untilStored({ parts, session }: CliSession): Promise<void> {
  const { queue } = parts.engine;
  const late = AbortSignal.timeout(LEASE.commandWaitMs);
  for (const job of await queue.open()) {
    if (job.kind === "save-login" || job.requestedBy?.host !== "cli" || hasEnded(job)) continue;
    await queue.watch(job.id, () => undefined, late);
  }
  await session.deliver();
}

/** The lease as data, without a secret. */
async function leaseData(parts: Parts): Promise<Readonly<Record<string, unknown>>> {
  if (parts.config.lease.broker === undefined) return { lease: null };
  const host = new LeaseHost(parts);
  try {
    const { record, policy, settings } = await host.view();
    const totals = await host.totals();
    return {
      machineId: settings.machineId,
      agentId: settings.agentId,
      profileId: profileIdFor(parts.store.provider ?? CODEX_PROVIDER, settings.leaseProfileId),
      policy,
      lease: record?.status ?? null,
      lookedAt: record?.lookedAtMs ?? null,
      note: record?.note ?? null,
      problem: record?.problem ?? record?.fileProblem ?? null,
      material:
        record?.material === undefined
          ? null
          : { expiresAtMs: record.material.expiresAtMs, atMs: record.material.atMs },
      usage: totals ?? null,
    };
  } finally {
    await host.close();
  }
}
