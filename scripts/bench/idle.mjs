// What a bot that nobody writes to holds in memory, against a bare grammY bot that polls the same kind of server.

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { startBots } from "./bots.mjs";
import { Skipped, atMost, inFolder, told } from "./lab.mjs";

/** Both are idle side by side, `idleSeconds` long: a minute unless the run asks for less. */
export function idle({ idleSeconds }) {
  if (process.platform !== "linux") throw new Skipped("the memory of a process is read from /proc");
  return inFolder(async (folder) => {
    const { ours, bare, close } = await startBots(folder);
    try {
      await pause(idleSeconds * 1_000);
      const [own, least] = [residentMb(ours.child.pid), residentMb(bare.child.pid)];
      return [
        atMost(1.5, `memory (RSS) of a bot idle for ${idleSeconds} s / a bare grammY bot`, own / least),
        told("our bot, idle", own, "MB"),
        told("a bare grammY bot, idle", least, "MB"),
      ];
    } finally {
      await close();
    }
  });
}

function residentMb(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) / 1024;
}
