// A disk that is full or forbids writing: nothing is lost, nothing is half written, and the error says what to do.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ParkedLogins } from "../../src/apply/parked.ts";
import { replaceSync, systemError } from "../storage/fs-faults.ts";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** Lets every write to a path that matches fail as the kernel would. */
function failWrites(code: "ENOSPC" | "EACCES" | "EROFS", path: RegExp): void {
  const full = new Set<number>();
  replaceSync("openSync", (real) => (file: string, flags: string, mode?: number) => {
    const isMeant = flags === "wx" && path.test(file);
    if (isMeant && code !== "ENOSPC") throw systemError(code);
    const descriptor = real(file, flags, mode);
    if (isMeant) full.add(descriptor);
    else full.delete(descriptor);
    return descriptor;
  });
  replaceSync("writeSync", (real) => (descriptor: number, bytes: Buffer, offset: number) => {
    if (full.has(descriptor)) throw systemError(code);
    return real(descriptor, bytes, offset);
  });
}

describe("a disk that cannot take the store", () => {
  it.each([
    ["ENOSPC", "ERR_DISK_FULL"],
    ["EACCES", "ERR_FILE_UNWRITABLE"],
    ["EROFS", "ERR_FILE_UNWRITABLE"],
  ] as const)("(%s) leaves it as it was and the login parked, and a retry works", async (system, code) => {
    const world = applyWorld(await temporaryFolder());
    const before = readFileSync(world.storePath, "utf8");
    const tokens = receivedTokens("carol");
    const job = await world.enqueue(tokens);
    failWrites(system, /auth-profiles\.json\.\d+-/);

    await world.drain();

    expect(readFileSync(world.storePath, "utf8")).toBe(before);
    expect(await world.receipts.get(job.id)).toMatchObject({ outcome: "parked", problem: { code } });
    expect(world.gateway.calls).toEqual([]);
    const [parked] = await world.parked.list();
    expect((await world.parked.tokens(parked?.id ?? ""))?.refresh.expose()).toBe(tokens.refresh.expose());
  });
});

describe("a disk without room for a login", () => {
  it("is noticed before a code is spent", async () => {
    const parked = new ParkedLogins({ folder: `${await temporaryFolder()}/parked`, now: () => 1, randomBytes });
    await parked.assertRoom();
    failWrites("ENOSPC", /\.room\./);
    await expect(parked.assertRoom()).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
  });
});
