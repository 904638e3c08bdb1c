// Kills the writer of the login file, as a real process, before every single change of the disk: no login may be lost or taken for another's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import PQueue from "p-queue";
import { describe, expect, it } from "vitest";
import { LeasedAuthFile } from "../../src/lease/auth-file.ts";
import type { CodexLogin } from "../../src/profiles/codex-home.ts";
import { supportFile } from "../support/child-process.ts";
import { authFileLab, cliDocument, materialOf, tokensOf, type Lab, type PlainTokens } from "./auth-file-lab.ts";

type Command = "write" | "takeOver" | "remove";

interface World {
  readonly lab: Lab;
  /** The file as this process uses it, by the clock of the one that is killed. */
  readonly file: LeasedAuthFile;
  /** What lies in the file before the command, as text; undefined: no file. */
  readonly before: string | undefined;
  /** What the command is to write. */
  readonly next: PlainTokens;
  /** Whether what lies there before is ours. */
  readonly isOurs: boolean;
}

interface Scenario {
  readonly title: string;
  readonly command: Command;
  prepare(): Promise<World>;
}

const LEASED = { name: "alpha" };

const SCENARIOS: readonly Scenario[] = [
  { title: "a first write", command: "write", prepare: () => world(undefined, false) },
  {
    title: "a write over our login of another account",
    command: "write",
    prepare: () => world({ name: "bravo" }, true),
  },
  { title: "a write over ours as the CLI renewed it", command: "write", prepare: () => world(LEASED, true, true) },
  { title: "a take-over of a person's login", command: "takeOver", prepare: () => world({ name: "ada" }, false) },
  { title: "a take-over of the leased person's own login", command: "takeOver", prepare: () => world(LEASED, false) },
  { title: "a removal of what the CLI renewed", command: "remove", prepare: () => world(LEASED, true, true) },
];

describe("the login file's writer, killed at any point", () => {
  it.each(SCENARIOS)("in $title: leaves nothing lost and nothing unknown", { timeout: 300_000 }, async (scenario) => {
    const { command } = scenario;
    const whole = await scenario.prepare();
    const ended = await run(whole, 0, command);
    const changes = Number(ended.output.split(" ")[0]);
    expect(changes).toBeGreaterThan(2);
    expect(ended.output.split(" ")[1]).toBe(command === "remove" ? "removed" : "written");

    await new PQueue({ concurrency: 2 }).addAll(
      Array.from({ length: changes }, (_, index) => async () => {
        const point = index + 1;
        const died = await scenario.prepare();
        expect((await run(died, point, command)).signal, `point ${point}`).toBe("SIGKILL");
        freeLock(died);
        await expectNothingLost(died, command, `point ${point}`);
        // Whoever comes next brings it to the same end.
        await again(died, command);
        expectEnded(died, command, `point ${point}`);
        expect(await died.file.remove(), `point ${point}`).toMatchObject({
          outcome: command === "remove" ? "absent" : "removed",
        });
        expect(readdirSync(dirname(died.lab.path)), `point ${point}`).toEqual([]);
      }),
    );
  });
});

/** Right after the kill: the file is the old one or the new one as a whole, and each is known for whose it is. */
async function expectNothingLost(died: World, command: Command, point: string): Promise<void> {
  const { lab, file, before, next, isOurs } = died;
  const now = read(lab.path);
  if (now === undefined) {
    expect(before === undefined || command === "remove", point).toBe(true);
    return;
  }
  const status = await file.status();
  if (now === before) {
    expect(status.kind, point).toBe(isOurs ? "ours" : "other");
    return;
  }
  expect(JSON.parse(now), point).toMatchObject({ tokens: { refresh_token: next.refresh } });
  expect(status, point).toMatchObject({ kind: "ours", leaseId: "lease_next", renewed: false });
  if (before !== undefined && !isOurs) expect(parked(lab), point).toContain(before);
}

function expectEnded({ lab, before, next, isOurs }: World, command: Command, point: string): void {
  const now = read(lab.path);
  if (command === "remove") {
    expect(now, point).toBeUndefined();
    expect(existsSync(lab.notePath), point).toBe(false);
    return;
  }
  expect(JSON.parse(now ?? ""), point).toMatchObject({ tokens: { refresh_token: next.refresh } });
  if (before !== undefined && !isOurs) expect(parked(lab), point).toContain(before);
  expect(JSON.parse(read(lab.notePath) ?? ""), point).not.toHaveProperty("change");
  // Nothing half-written is left, for it would hold tokens.
  expect(readdirSync(dirname(lab.path)), point).toEqual(["auth.json"]);
  expect(readdirSync(dirname(lab.notePath)), point).toEqual(["auth-file.json"]);
}

async function world(who: { readonly name: string } | undefined, isOurs: boolean, isRenewed = false): Promise<World> {
  const lab = await authFileLab();
  // The peer's clock is the real one.
  const inAnHour = Date.now() + 3_600_000;
  const file = new LeasedAuthFile({ path: lab.path, folder: dirname(lab.notePath), now: Date.now });
  if (who !== undefined && isOurs) {
    await file.write("lease_before", materialOf(tokensOf(who, inAnHour)));
  }
  if (who !== undefined && (!isOurs || isRenewed)) await lab.cli(cliDocument(tokensOf(who, inAnHour)));
  const next = tokensOf(LEASED, inAnHour);
  const { access, refresh, id, accountId, expiresAtMs } = next;
  writeFileSync(
    join(lab.root, "plan.json"),
    JSON.stringify({ path: lab.path, leaseId: "lease_next", tokens: { access, refresh, id }, accountId, expiresAtMs }),
  );
  return { lab, file, before: read(lab.path), next, isOurs };
}

async function again({ lab, file, next }: World, command: Command): Promise<void> {
  const park = async ({ text: login }: CodexLogin): Promise<void> => {
    appendFileSync(join(lab.root, "parked.jsonl"), `${JSON.stringify(login.expose())}\n`);
  };
  if (command === "remove") await file.remove();
  else if (command === "write") await file.write("lease_next", materialOf(next));
  else await file.takeOver("lease_next", materialOf(next), park);
}

async function run({ lab }: World, point: number, command: Command) {
  const child = spawn(process.execPath, [supportFile("auth-file-peer.mjs"), lab.root, String(point), command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { output, code: code as number | null, signal: signal as string | null };
}

/** The lock of a dead process is stale after a while; its clock is put back instead of waiting. */
function freeLock({ lab }: World): void {
  const lock = `${lab.notePath}.lock`;
  if (existsSync(lock)) utimesSync(lock, 0, 0);
}

function parked(lab: Lab): readonly unknown[] {
  const lines = (read(join(lab.root, "parked.jsonl")) ?? "").split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as unknown);
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
