// docs/settings.md against the settings themselves: every key, its default, its bounds and its variable, and none that is not there.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultConfig, loadConfig, parseSettings } from "../../src/config/config.ts";
import { LEASE_LIMITS } from "../../src/config/defaults.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { leaseFileSchema } from "../../src/config/lease-settings.ts";
import { codeIn, readFile, tableBelow } from "../support/repo-files.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const PAGE = "docs/settings.md";
const OWN = rowsOf("Own settings");
const LEASE_ROWS = rowsOf("Settings of the lease");

/** The first table below a heading: what follows under a heading of its own is another one. */
function rowsOf(heading: string): readonly (readonly string[])[] {
  const all = tableBelow(PAGE, heading);
  const end = all.findIndex(([cell = ""]) => cell.startsWith("key"));
  return end === -1 ? all : all.slice(0, end);
}

/** Key to variable, of the second table below the same heading. */
function variablesOf(heading: string): Readonly<Record<string, string>> {
  const all = tableBelow(PAGE, heading);
  const pairs = all.slice(rowsOf(heading).length + 2).map(([key = "", variable = ""]) => {
    const [name = key] = codeIn(key);
    return [name, codeIn(variable)[0] ?? ""] as const;
  });
  return Object.fromEntries(pairs);
}

function keysOf(rows: readonly (readonly string[])[]): readonly string[] {
  return rows.map(([key = ""]) => codeIn(key)[0] ?? "");
}

/** A default as the page writes it; a dash where there is none. */
function written(value: unknown): string {
  if (value === undefined) return "–";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function nested(key: string, value: unknown): unknown {
  return key.split(".").reduceRight((inner, part) => ({ [part]: inner }), value);
}

describe("the own settings on the page", () => {
  const environment = readEnvironment({ HOME: "/nowhere" });
  const file = parseSettings(undefined, "/nowhere/config.json", environment);
  const complete = defaultConfig("/nowhere/config.json", environment);

  it("are all there, and each is one that the file may hold", async () => {
    const { telegram, lease: _lease, ...rest } = complete;
    const known = [...Object.keys(rest), ...Object.keys(telegram).map((key) => `telegram.${key}`)];
    expect(keysOf(OWN)).toEqual(expect.arrayContaining(known));
    const home = await temporaryFolder();
    const path = join(home, "codex-auth", "config.json");
    await mkdir(dirname(path), { recursive: true });
    for (const key of keysOf(OWN)) {
      // A value of the wrong kind is refused by its name; a key that is not there is called unknown.
      await writeFile(path, JSON.stringify(nested(key, { no: "such value" })), { mode: 0o600 });
      await expect(loadConfig(path, readEnvironment({ HOME: home })), key).rejects.toMatchObject({
        code: "ERR_CONFIG_INVALID",
        message: expect.stringMatching(`The setting ${key}(?:\\.no)? is not (?:valid|a numeric)`) as string,
      });
    }
  });

  it("stand there with their defaults", () => {
    const flat: Record<string, unknown> = { ...file };
    for (const [key, value] of Object.entries(file.telegram)) flat[`telegram.${key}`] = value;
    for (const [index, key] of keysOf(OWN).entries()) expect(OWN[index]?.[1], key).toBe(written(flat[key]));
  });

  it("have their variables, and there are no others", () => {
    const source = readFile("src/config/env.ts");
    const read = [...source.matchAll(/(\w+): text\("(CODEX_AUTH_\w+)"\)/g)].map(([, name = "", variable = ""]) => {
      const key = name === "configPath" ? "the file itself" : name;
      return [key in file.telegram || name === "botToken" ? `telegram.${key}` : key, variable] as const;
    });
    expect(read.length).toBeGreaterThan(5);
    expect(variablesOf("Own settings")).toEqual(Object.fromEntries(read));
  });

  it("name OpenClaw's variables that are read, and no others", () => {
    const section = readFile(PAGE).split("\n## OpenClaw's own variables\n")[1] ?? "";
    const named = codeIn(section).filter((word) => /^[A-Z][A-Z_]+$/.test(word));
    const source = readFile("src/config/env.ts").split("const WORKER_VARIABLES")[0] ?? "";
    const read = [...source.matchAll(/text\("([A-Z_]+)"\)/g)].map(([, name = ""]) => name);
    // What every program reads of its surroundings needs no word.
    const usual = /^(?:CODEX_AUTH_\w+|HOME|XDG_RUNTIME_DIR|SSH_\w+)$/;
    expect(named.toSorted()).toEqual(read.filter((name) => !usual.test(name)).toSorted());
  });
});

describe("the settings of the lease on the page", () => {
  const defaults: Readonly<Record<string, unknown>> = leaseFileSchema.parse({});

  it("are those of the file, in any order, with their defaults", () => {
    expect(keysOf(LEASE_ROWS).toSorted()).toEqual(Object.keys(leaseFileSchema.shape).toSorted());
    for (const [index, key] of keysOf(LEASE_ROWS).entries())
      expect(LEASE_ROWS[index]?.[1], key).toBe(written(defaults[key]));
  });

  it("name their bounds", () => {
    for (const [key, [least, most]] of Object.entries(LEASE_LIMITS)) {
      const [, , meaning] = LEASE_ROWS[keysOf(LEASE_ROWS).indexOf(key)] ?? [];
      expect(meaning, key).toContain(`${least.toLocaleString("en-US")} to ${most.toLocaleString("en-US")}`);
    }
  });

  it("have their variables, and there are no others", () => {
    const source = readFile("src/config/lease-variables.ts");
    const read = [...source.matchAll(/^ {2}(\w+): \{ name: "(AUTH_MANAGER_\w+)"/gm)].map(
      ([, key = "", variable = ""]) => [key, variable] as const,
    );
    expect(read.length).toBeGreaterThan(20);
    expect(variablesOf("Settings of the lease")).toEqual(Object.fromEntries(read));
  });
});
