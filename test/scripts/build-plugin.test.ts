// The plugin's build: only what runs is in it, what it needs lies beside it, and nothing that an installer would refuse.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/repo-files.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const ENTRY = "hosts/openclaw/index.ts";

describe("npm run build:plugin", () => {
  test("takes what the entry runs, late imports too, and leaves what it only names as a type", async () => {
    const { build, folder } = await project({
      [ENTRY]: `
        import JSON5 from "json5";
        import { here } from "../here.ts";
        import type { Named } from "../named.ts";
        export const late = (): Promise<unknown> => import("../late.ts");
        // @ts-ignore: there is no OpenClaw here.
        export const given = (): Promise<unknown> => import("openclaw/plugin-sdk/provider-auth");
        export const value: Named = { at: here, text: JSON5.stringify({}) };`,
      "hosts/here.ts": `export * from "./deeper.ts";`,
      "hosts/deeper.ts": `export const here = 1;`,
      "hosts/late.ts": `export const late = true;`,
      "hosts/named.ts": `export interface Named { at: number; text: string }`,
      "hosts/unused.ts": `export const unused = true;`,
    });
    expect(build()).toMatchObject({ status: 0 });
    const there = ["openclaw/index", "here", "deeper", "late"].map((name) => join(folder, "dist/hosts", `${name}.js`));
    expect(there.filter((path) => !existsSync(path))).toEqual([]);
    expect(existsSync(join(folder, "dist/hosts/named.js"))).toBe(false);
    expect(existsSync(join(folder, "dist/hosts/unused.js"))).toBe(false);
    expect(existsSync(join(folder, "node_modules/json5/package.json"))).toBe(true);
  });

  test("writes a package that OpenClaw can load without npm, under one id and one name", async () => {
    const { build, folder, tarball } = await project({ [ENTRY]: `export const nothing = 0;` });
    expect(build()).toMatchObject({ status: 0 });
    const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
    const entries = ["./dist/hosts/openclaw/index.js"];
    expect(manifest).toMatchObject({
      name: "codex-auth-openclaw",
      version: "9.9.9",
      type: "module",
      openclaw: { extensions: entries, runtimeExtensions: entries },
    });
    // OpenClaw runs npm for a plugin that declares any.
    expect(manifest).not.toHaveProperty("dependencies");
    expect(JSON.parse(await readFile(join(folder, "openclaw.plugin.json"), "utf8"))).toMatchObject({
      id: "codex-auth",
      activation: { onStartup: true },
    });
    const { stdout } = spawnSync("tar", ["-tzf", tarball], { encoding: "utf8" });
    expect(stdout.split("\n")).toContain("package/openclaw.plugin.json");
  });

  test("makes a file that imports OpenClaw late need it at once, and no other file", async () => {
    const { build, folder } = await project({
      [ENTRY]: `
        export { late } from "../late.ts";
        export { apart } from "../apart.ts";`,
      "hosts/late.ts": `
        // @ts-ignore: there is no OpenClaw here.
        export const late = (): Promise<unknown> => import("openclaw/plugin-sdk/provider-auth");`,
      "hosts/apart.ts": `export const apart = 1;`,
    });
    expect(build()).toMatchObject({ status: 0 });
    // OpenClaw up to 2026.5 gives its modules to no other.
    expect(await readFile(join(folder, "dist/hosts/late.js"), "utf8")).toMatch(/^import "openclaw\/plugin-sdk\//);
    expect(await readFile(join(folder, "dist/hosts/apart.js"), "utf8")).not.toContain("openclaw");
    expect(await readFile(join(folder, "dist/hosts/openclaw/index.js"), "utf8")).not.toContain("plugin-sdk");
  });

  test.each([
    ["mentions child_process", `import { fork } from "node:child_process"; export const bad = fork;`],
    [
      "reads the environment beside network words",
      `export const bad = process.env["HOME"];\n\n\n\n\n\n\n\n\n\n\nexport const far = "post";`,
    ],
    ["runs code from text", `export const bad = new Function("return 1");`],
  ])("fails where a file %s, and says how it is reached", async (finding, text) => {
    const { build, folder, tarball } = await project({
      [ENTRY]: `export * from "../between.ts";`,
      "hosts/between.ts": `export * from "./bad.ts";`,
      "hosts/bad.ts": text,
    });
    const { status, stderr } = build();
    expect(status).toBe(1);
    expect(stderr).toContain(`dist/hosts/bad.js: ${finding}`);
    expect(stderr).toContain("hosts/openclaw/index.js → hosts/between.js → hosts/bad.js");
    expect([existsSync(folder), existsSync(tarball)]).toEqual([false, false]);
  });

  test("fails where the compiler does, and leaves no tarball", async () => {
    const { build, tarball } = await project({ [ENTRY]: `export const wrong: number = "text";` });
    expect(build()).toMatchObject({ status: 1 });
    expect(existsSync(tarball)).toBe(false);
  });
});

/** A source tree with these files, and what builds it. */
async function project(files: Readonly<Record<string, string>>): Promise<{
  readonly folder: string;
  readonly tarball: string;
  build(): { readonly status: number | null; readonly stderr: string };
}> {
  const base = await temporaryFolder();
  const src = join(base, "src");
  for (const [name, text] of Object.entries({ "package.json": `{"type":"module"}`, ...files })) {
    await mkdir(dirname(join(src, name)), { recursive: true });
    await writeFile(join(src, name), text);
  }
  await symlink(join(ROOT, "node_modules"), join(base, "node_modules"));
  const compilerOptions = { noEmit: false, rootDir: src, types: ["node"] };
  const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, files: [join(src, ENTRY)], include: [] };
  await writeFile(join(base, "tsconfig.json"), JSON.stringify(config));
  const out = join(base, "out");
  const options = ["--project", join(base, "tsconfig.json"), "--out", out, "--version", "9.9.9"];
  const script = join(ROOT, "scripts", "build-plugin.mjs");
  return {
    folder: join(out, "codex-auth"),
    tarball: join(out, "codex-auth-openclaw-9.9.9.tgz"),
    build: () => spawnSync(process.execPath, [script, ...options], { encoding: "utf8" }),
  };
}
