// The skill's folders as OpenClaw takes and reads them: eligible where the program is on PATH, and one command for each folder.

import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tree } from "../support/tree.ts";
import { makeHome, type OpenClawHome } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { packSkill } from "./lab/packages.ts";
import { installSkill, skillFolder, skillInfo } from "./lab/skills.ts";

const run = promisify(execFile);
const PROGRAM = "codex-auth-skill";

let out: string;
let programs: string;
let skill: Awaited<ReturnType<typeof packSkill>>;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-skill-"));
  skill = await packSkill(join(out, "skill"));
  // OpenClaw only looks whether it is there.
  programs = join(out, "bin");
  await mkdir(programs);
  await writeFile(join(programs, PROGRAM), "#!/bin/sh\nexit 1\n");
  await chmod(join(programs, PROGRAM), 0o755);
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

// Up to three calls of the command line in a test, each of which may take minutes on a busy machine.
describe.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)("OpenClaw %s", { timeout: 900_000 }, (version) => {
  let installed: InstallResult;
  let home: OpenClawHome;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    home = await makeHome({ version, backendUrl: "http://127.0.0.1:9" });
  });

  afterAll(async () => {
    await home.remove();
  });

  test("takes the folder, or where it takes none finds it copied into the workspace", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const { openclaw } = installed;
    const installing = installSkill(openclaw, home, skill["codex-auth"]);
    if (version === "2026.4.5") {
      await expect(installing).rejects.toMatchObject({ code: 1 });
      await cp(skill["codex-auth"], skillFolder(home, "codex-auth"), { recursive: true });
    } else {
      await installing;
    }
    expect(await skillInfo(openclaw, home, "codex-auth")).toMatchObject({
      name: "codex-auth",
      filePath: join(skillFolder(home, "codex-auth"), "SKILL.md"),
    });
    // Byte for byte; beside them it may leave a note of where it came from.
    expect(await texts(skillFolder(home, "codex-auth"))).toMatchObject(await texts(skill["codex-auth"]));
  });

  test("holds it back while the program is missing, and says which", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const info = await skillInfo(installed.openclaw, home, "codex-auth");
    expect(info).toMatchObject({ eligible: false, missing: { bins: [PROGRAM] } });
  });

  test("offers it where the program is on PATH, to people and not to the model", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const info = await skillInfo(installed.openclaw, home, "codex-auth", programs);
    expect(info).toMatchObject({ eligible: true, missing: { bins: [] } });
    // 2026.4.5 does not say these.
    if (version !== "2026.4.5") expect(info).toMatchObject({ modelVisible: false, userInvocable: true });
  });

  test("finds the lease's skill only in a folder of its own", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const { openclaw } = installed;
    expect(await skillInfo(openclaw, home, "lease", programs)).toBeUndefined();
    if (version === "2026.4.5") await cp(skill.lease, skillFolder(home, "lease"), { recursive: true });
    else await installSkill(openclaw, home, skill.lease);
    expect(await skillInfo(openclaw, home, "lease", programs)).toMatchObject({ eligible: true });
  });
});

/** Every file below a folder, by its path. */
async function texts(folder: string): Promise<Readonly<Record<string, string>>> {
  const files = tree(folder).filter(({ isFolder }) => !isFolder);
  expect(files.length).toBeGreaterThan(2);
  return Object.fromEntries(
    await Promise.all(files.map(async ({ path, absolute }) => [path, await readFile(absolute, "utf8")] as const)),
  );
}

test("OpenClaw's own check of skills for publishing finds both folders valid", async ({ skip }) => {
  const installed = await installOpenClaw("2026.9.6");
  if (!installed.ok) return skip(installed.reason);
  const creator = join(installed.openclaw.folder, "node_modules/openclaw/skills/skill-creator/scripts");
  for (const folder of Object.values(skill)) {
    const checked = run("python3", [join(creator, "quick_validate.py"), folder]);
    const { stdout } = await checked.catch((error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? skip("There is no python3 here.") : Promise.reject(error),
    );
    expect(stdout).toContain("Skill is valid!");
  }
});
