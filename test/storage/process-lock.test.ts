import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, utimes } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OWN_LOCK } from "../../src/config/defaults.ts";
import { withProcessLock } from "../../src/storage/process-lock.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

describe("the lock on our own files", () => {
  it("lets one at a time in and leaves nothing behind", async () => {
    const folder = await temporaryFolder();
    let inside = 0;
    let most = 0;
    const visit = async (): Promise<void> =>
      withProcessLock(join(folder, "file"), async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    await Promise.all([visit(), visit(), visit(), visit()]);
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it("refuses at once where another process holds it and no wait is wanted", async () => {
    const path = join(await temporaryFolder(), "file");
    const library = createRequire(import.meta.url).resolve("proper-lockfile");
    const script = `require(process.argv[1]).lockSync(process.argv[2], { realpath: false }); console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["-e", script, library, path], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      let entered = false;
      const attempt = withProcessLock(path, async () => void (entered = true), { waitMs: 0 });
      await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT", retryable: true });
      expect(entered).toBe(false);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("takes over the lock of a process that stopped renewing it", async () => {
    const path = join(await temporaryFolder(), "file");
    await mkdir(`${path}.lock`);
    const old = new Date(Date.now() - OWN_LOCK.staleMs - 1_000);
    await utimes(`${path}.lock`, old, old);
    expect(await withProcessLock(path, async () => "in", { waitMs: 0 })).toBe("in");
  });

  it("frees the lock when the work fails and passes the failure on", async () => {
    const path = join(await temporaryFolder(), "file");
    const failure = new Error("no");
    await expect(withProcessLock(path, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await withProcessLock(path, async (signal) => signal.aborted, { waitMs: 0 })).toBe(false);
  });

  it("says so where the folder of the lock is missing", async () => {
    const path = join(await temporaryFolder(), "gone", "file");
    await expect(withProcessLock(path, async () => 1)).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
  });
});
