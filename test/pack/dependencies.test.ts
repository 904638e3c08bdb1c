// docs/dependencies.md against package.json: each dependency with a sentence of why, and none that is not there.

import { describe, expect, it } from "vitest";
import { codeIn, readFile, tableBelow } from "../support/repo-files.ts";

const PAGE = "docs/dependencies.md";
const MANIFEST = JSON.parse(readFile("package.json")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

describe.each([
  ["At run time", MANIFEST.dependencies],
  ["For work on it", MANIFEST.devDependencies],
] as const)("the dependencies: %s", (heading, dependencies) => {
  const rows = tableBelow(PAGE, heading);

  it("are all on the page, and no others", () => {
    const named = rows.flatMap(([name = ""]) => codeIn(name));
    expect(named.toSorted()).toEqual(Object.keys(dependencies).toSorted());
  });

  it("have a sentence of why, each its own", () => {
    const reasons = rows.map(([, why = ""]) => why);
    for (const reason of reasons) expect(reason).toMatch(/^[A-Z`].{20,}\.$/);
    expect(new Set(reasons).size).toBe(reasons.length);
  });

  it("are pinned to one version", () => {
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

it("none that is installed beside the program runs a script of its own", () => {
  const { packages } = JSON.parse(readFile("package-lock.json")) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly hasInstallScript?: boolean }>>;
  };
  const atRunTime = Object.entries(packages).filter(([path, { dev }]) => path !== "" && dev !== true);
  expect(atRunTime.length).toBeGreaterThanOrEqual(Object.keys(MANIFEST.dependencies).length);
  expect(atRunTime.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual([]);
});
