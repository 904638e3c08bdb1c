// `setup`: walks through bot, allow-list, gateway and broker with a live check of each, and writes the settings at the end.

import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseSettings } from "../../config/config.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { CodexAuthError } from "../../errors.ts";
import type { Call, CommandRun } from "./call.ts";
import { checkEverything } from "./doctor-checks.ts";
import type { Parts } from "../services.ts";
import { findingText, type Finding } from "./finding.ts";
import type { Result } from "./io.ts";
import { openPartsAnyhow } from "./open.ts";
import { askBot } from "./setup/bot-section.ts";
import { askLease } from "./setup/broker-section.ts";
import { clackSetupUi } from "./setup/clack-ui.ts";
import { askGateway } from "./setup/gateway-section.ts";
import { askPeople } from "./setup/people-section.ts";
import { draftOf, namesBotToken, readSettings, tokenFiles, writeDraft, type Draft } from "./setup/settings-file.ts";
import { stopped, type SetupUi } from "./setup/ui.ts";
import { BOT_UNIT, ENABLE, isFleeting } from "./setup/unit.ts";
import {
  hasUserManager,
  missingInUnit,
  missingWords,
  offerUnit,
  PROGRAM,
  unitHere,
  unitPath,
} from "./setup/unit-section.ts";
import { LIST_VARIABLE, shadowedBy } from "./setup/variables.ts";

/** Asks at a terminal; with `--unit` only prints the systemd unit of the bot. */
export const setup: CommandRun = async (call) => {
  if (call.options["unit"] === true) return printUnit(call);
  const { stdin, stdout } = call.host;
  if (!stdin.isTTY || !stdout.isTTY || call.output.isJson) throw needsTerminal(call);
  return runSetup(call, clackSetupUi(call.host));
};

/** The whole of it, with the person at `ui`. Nothing is written before the last question is answered. */
export async function runSetup(
  call: Call,
  ui: SetupUi,
  randomBelow: (limit: number) => number = randomInt,
): Promise<Result> {
  const { parts, problem } = await openPartsAnyhow(call);
  const path = settingsPath(call);
  // Where a variable names a file that is not there yet, this is how it is made; anything else is the person's to mend.
  if (problem !== undefined && existsSync(path)) throw problem;
  const settings = await readSettings(path);
  // A variable that cannot be taken is told before the questions, not after them.
  parseSettings(settings.text, path, parts.environment);
  ui.note(`What you answer goes to ${path}, at the end. Ctrl-C changes nothing.`);
  const shadowed = shadowedBy(parts.environment);
  if (shadowed.length > 0)
    ui.note(`These variables stand above the settings file, whatever is answered here: ${shadowed.join(", ")}`);
  const frame = { ui, parts, settings, randomBelow };
  const bot = await askBot(frame);
  const people = await askPeople(frame, bot);
  const activation = await askGateway(frame);
  const lease = await askLease(frame);
  const draft = draftOf(settings, { bot: bot.change, people, activation, lease }, tokenFiles(parts.own.root));
  if (draft === undefined) ui.note("Nothing has changed, so nothing is written.");
  else {
    // What would not load is not written.
    parseSettings(JSON.stringify(draft.top), path, parts.environment);
    if (!(await ui.agree(`Write ${path}?`, true))) throw stopped();
    await writeDraft(settings, draft);
  }
  const { parts: after, problem: left } = await openPartsAnyhow(call);
  const { telegram, lease: leased } = after.config;
  const hasBot = telegram.botToken !== undefined;
  const missing = await missingInUnit(after);
  const hasToken = namesBotToken(draft?.top ?? settings.top);
  const hasUnit = hasBot && hasUserManager(after) && (await offerUnit(ui, after, { missing, hasToken }));
  // A service knows only the list of the file.
  const listed = hasUnit && missing.includes(LIST_VARIABLE) ? (people ?? settings.allowFrom) : telegram.allowFrom;
  const done = { hasBot, hasUnit, hasPeople: listed.length > 0, hasLease: leased.broker !== undefined };
  return {
    text: [
      "",
      ...(draft === undefined ? [`Unchanged: ${path}`] : writtenPaths(path, draft).map((one) => `Written: ${one}`)),
      ...(await stillOpen(after, left)),
      ...nextSteps(done),
    ].join("\n"),
    data: { path },
  };
}

function writtenPaths(path: string, { secrets }: Draft): readonly string[] {
  return [path, ...secrets.map((secret) => secret.path)];
}

/** What `doctor` does not find right, without what only waits for the start of the bot. */
async function stillOpen(parts: Parts, problem: CodexAuthError | undefined): Promise<readonly string[]> {
  const findings = await checkEverything(parts, problem);
  return findings.filter((one) => one.state !== "ok" && !waitsForStart(one)).map(findingText);
}

function waitsForStart({ what, state }: Finding): boolean {
  return state === "warn" && (what === "lease" || what === "keeper");
}

interface Done {
  readonly hasBot: boolean;
  readonly hasUnit: boolean;
  readonly hasPeople: boolean;
  readonly hasLease: boolean;
}

/** What the person does now. */
function nextSteps({ hasBot, hasUnit, hasPeople, hasLease }: Done): readonly string[] {
  const look = "→ See how everything is: `codex-auth-skill doctor`";
  if (!hasBot) {
    const keep = hasLease ? ["→ Keep the lease: `codex-auth-skill lease keep`"] : [];
    return ["→ Without a bot, `codex-auth-skill` is the chat in this terminal.", ...keep, look];
  }
  const what = hasLease ? "the bot, which keeps the lease too" : "the bot";
  const start = hasUnit
    ? [`→ Start ${what}, now and with the machine:`, ...ENABLE.map((line) => `    ${line}`)]
    : [`→ Start ${what}: \`codex-auth-skill bot\``];
  const people = hasPeople
    ? "→ Write /codex_auth to it in a private chat. If it runs already: the list counts at once, the rest from its next start."
    : "→ Nobody may use it yet: write to it, and it prints your id where it runs; then run the set-up again.";
  return [...start, people, look];
}

/** For a pipe: the unit and nothing else. */
async function printUnit(call: Call): Promise<Result> {
  const { environment } = call.host;
  const found = await openPartsAnyhow(call).catch(() => undefined);
  const surroundings = { environment, config: { restartCommand: found?.parts.config.restartCommand } };
  if (isFleeting(PROGRAM)) {
    throw new CodexAuthError("ERR_USAGE", {
      message: "This copy of the program lies in npx's cache, which npm may empty: a service cannot rely on it.",
      next: "Install it first: `npm install -g codex-auth-skill`; then `codex-auth-skill setup --unit`.",
    });
  }
  const missing = await missingInUnit({ environment });
  if (missing.length > 0) call.host.stderr.write(`${missingWords(missing)}\n`);
  const unit = unitHere(surroundings);
  return { text: unit.trimEnd(), data: { name: BOT_UNIT, path: unitPath({ environment }), unit, enable: ENABLE } };
}

function settingsPath({ host: { environment } }: Pick<Call, "host">): string {
  return environment.settings.configPath ?? ownPaths(openClawPaths(environment).stateDir).config;
}

function needsTerminal(call: Call): CodexAuthError {
  const path = settingsPath(call);
  const token = join(ownPaths(openClawPaths(call.host.environment).stateDir).root, "bot-token");
  return new CodexAuthError("ERR_USAGE", {
    message: "The set-up asks questions and needs a terminal.",
    next: `Or put the bot's token from @BotFather into ${token} (mode 0600), and {"telegram":{"botTokenFile":"${token}","allowFrom":["<your numeric id>"]}} into ${path} (mode 0600); then run \`codex-auth-skill doctor\`.`,
  });
}
