// How long the command line takes to start: `--help` and `status` against `node -e 0`.

import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atMost, inFolder, interleaved, told } from "./lab.mjs";
import { storeOf } from "./store-lab.mjs";

const PROGRAM = fileURLToPath(new URL("../../bin/codex-auth-skill.js", import.meta.url));
const RECEIPTS = 5;

/** `status` is called in a home as people have it, with settings and receipts, and in one where nothing was ever done. */
export function startUp({ quick }) {
  return inFolder(async (folder) => {
    const fresh = await homeIn(folder, 2);
    const used = await homeIn(folder, 3);
    await furnish(join(used, ".openclaw", "codex-auth"));
    const start = (home, ...args) => {
      const { status, stderr } = spawnSync(process.execPath, args, {
        cwd: home,
        env: { HOME: home, TMPDIR: folder },
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
    };
    const took = await interleaved(quick ? 2 : 25, {
      node: () => start(fresh, "-e", "0"),
      module: () => start(fresh, "--input-type=module", "-e", "0"),
      zod: () => start(join(PROGRAM, "../.."), "--input-type=module", "-e", 'import "zod"'),
      help: () => start(fresh, PROGRAM, "--help"),
      fresh: () => start(fresh, PROGRAM, "status"),
      used: () => start(used, PROGRAM, "status"),
    });
    return [
      atMost(1.3, "--help / node -e 0", took.help / took.node),
      atMost(2, `status, with settings and ${RECEIPTS} receipts / node -e 0`, took.used / took.node),
      atMost(2, "status, nothing set and nothing done / node -e 0", took.fresh / took.node),
      told("an empty module / node -e 0", took.module / took.node, "×"),
      told("zod alone / node -e 0", took.zod / took.node, "×"),
      told("node -e 0", took.node, "ms"),
    ];
  });
}

async function homeIn(folder, count) {
  await storeOf(folder, count);
  return join(folder, `${count}`);
}

async function furnish(root) {
  const receipts = join(root, "receipts");
  await mkdir(receipts, { recursive: true, mode: 0o700 });
  await writeFile(
    join(root, "config.json"),
    JSON.stringify({ telegram: { allowFrom: [1] }, timeZone: "Europe/Berlin" }),
    {
      mode: 0o600,
    },
  );
  for (let number = 0; number < RECEIPTS; number += 1) {
    const id = `job-${number}`;
    const receipt = {
      schemaVersion: 1,
      id,
      kind: "save-login",
      agentId: "main",
      profileId: "openai-codex:p0",
      outcome: "done",
      startedAt: Date.now() - 5_000,
      endedAt: Date.now(),
      durations: {},
      files: [],
      activation: { asked: "auto", used: "reload", proven: "reloaded" },
      requestedBy: { host: "telegram", chatId: "1", personId: "1" },
    };
    await writeFile(join(receipts, `${id}.json`), JSON.stringify(receipt), { mode: 0o600 });
  }
}
