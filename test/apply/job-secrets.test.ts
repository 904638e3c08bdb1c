// The secrets of jobs: the first one stays until its job says otherwise, and what belongs to no job goes in time.

import { randomBytes } from "node:crypto";
import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { JobSecrets } from "../../src/apply/job-secrets.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const NOW = 1_800_000_000_000;
const DEAD = 2 ** 22 + 1;
const left = (pid: number): string => `.job-00000001.json.${pid}-0123456789ab.tmp`;

async function setUp() {
  const folder = join(await temporaryFolder(), "secrets");
  const secrets = new JobSecrets(folder);
  const leased = { leased: { access: randomBytes(8).toString("hex") } };
  /** Writes a secret that is `ageMs` old. */
  const put = async (id: string, ageMs: number): Promise<void> => {
    await secrets.put(id, leased);
    await age(`${id}.json`, ageMs);
  };
  const age = (name: string, ageMs: number): Promise<void> =>
    utimes(join(folder, name), (NOW - ageMs) / 1_000, (NOW - ageMs) / 1_000);
  return { folder, secrets, leased, put, age };
}

describe("the secret of a job", () => {
  it("that is there is not replaced by one that is made anew, for its job may have come further", async () => {
    const { secrets, leased } = await setUp();
    await secrets.create("job-00000001", leased);
    await secrets.create("job-00000001", {});
    expect(await secrets.get("job-00000001")).toEqual(leased);
    await secrets.put("job-00000001", { values: [1] });
    expect(await secrets.get("job-00000001")).toEqual({ values: [1] });
    await secrets.remove("job-00000001");
    expect(await secrets.get("job-00000001")).toBeUndefined();
  });

  it("of a renewal keeps for which token it came", async () => {
    const { secrets } = await setUp();
    await secrets.put("job-00000001", { presented: "print" });
    expect(await secrets.get("job-00000001")).toEqual({ presented: "print" });
  });
});

describe("JobSecrets.sweep", () => {
  it("removes what is old and belongs to no job, and leaves what a job still needs or is just being made", async () => {
    const { folder, secrets, put } = await setUp();
    await put("job-known000", 2 * APPLY.orphanSecretMs);
    await put("job-orphan00", APPLY.orphanSecretMs + 1);
    await put("job-young000", APPLY.orphanSecretMs);
    await secrets.sweep(new Set(["job-known000"]), NOW);
    expect((await readdir(folder)).toSorted()).toEqual(["job-known000.json", "job-young000.json"]);
  });

  it("leaves files that are no job's secret, whatever their age", async () => {
    const { folder, secrets, put, age } = await setUp();
    await put("job-00000001", 0);
    const others = [".hidden.json", "Notes.json", "job-1.json.bak", "job-1 json", "a_b.json"];
    for (const name of others) {
      await writeFile(join(folder, name), "{}");
      await age(name, 2 * APPLY.orphanSecretMs);
    }
    await secrets.sweep(new Set(), NOW);
    expect((await readdir(folder)).toSorted()).toEqual([...others, "job-00000001.json"].toSorted());
  });

  it("removes what a killed writer left half written, and not what one that lives is writing", async () => {
    const { folder, secrets, put } = await setUp();
    await put("job-00000001", 0);
    for (const pid of [DEAD, process.pid]) await writeFile(join(folder, left(pid)), "{");
    await secrets.sweep(new Set(), NOW);
    expect((await readdir(folder)).toSorted()).toEqual([left(process.pid), "job-00000001.json"].toSorted());
  });

  it("does nothing where no secret was ever written", async () => {
    const { folder, secrets } = await setUp();
    await secrets.sweep(new Set(), NOW);
    await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("says so where the folder cannot be read, instead of taking it for an empty one", async () => {
    const { folder, secrets } = await setUp();
    await mkdir(join(folder, ".."), { recursive: true });
    await writeFile(folder, "a file in the folder's place");
    await expect(secrets.sweep(new Set(), NOW)).rejects.toMatchObject({ code: "ENOTDIR" });
  });
});
