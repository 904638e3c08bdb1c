// SKILL.md and RISK.md as registries and agents read them, and the documents' links.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readFile, repoFiles, ROOT } from "./support/repo-files.ts";

const SKILL = readFile("SKILL.md");
const [, HEAD = "", BODY = ""] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(SKILL) ?? [];
const ENTRIES = HEAD.split("\n").map((line) => {
  const at = line.indexOf(": ");
  return [line.slice(0, at), line.slice(at + 2)] as const;
});
const FRONT: Readonly<Record<string, string>> = Object.fromEntries(ENTRIES);

describe("the frontmatter of SKILL.md", () => {
  it("is one line per key, and has no key that a registry refuses", () => {
    // OpenClaw 2026.4.5 reads it line by line: a key's value that goes on below would be lost.
    expect(ENTRIES.map(([key]) => key)).toEqual([
      "name",
      "description",
      "homepage",
      "user-invocable",
      "disable-model-invocation",
      "metadata",
    ]);
  });

  it("names the command `/codex_auth` and says in one line when to use it", () => {
    expect(FRONT["name"]).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    expect(FRONT["name"]?.replaceAll("-", "_")).toBe("codex_auth");
    expect(FRONT["description"]).toMatch(/^Use when /);
    expect(FRONT["description"]?.length).toBeLessThanOrEqual(160);
    expect(FRONT["description"]).not.toMatch(/[<>]|: |\n/);
  });

  it("leaves the start to a person: no model may call it on its own", () => {
    expect(FRONT["user-invocable"]).toBe("true");
    expect(FRONT["disable-model-invocation"]).toBe("true");
  });

  it("declares the program it needs and where it comes from, as this package does", () => {
    const { openclaw } = JSON.parse(FRONT["metadata"] ?? "") as {
      openclaw: {
        requires: { bins: string[] };
        install: { kind: string; package: string; bins: string[] }[];
        homepage: string;
      };
    };
    const { name, bin } = JSON.parse(readFile("package.json")) as { name: string; bin: Record<string, string> };
    const bins = Object.keys(bin);
    expect(openclaw.requires).toEqual({ bins });
    expect(openclaw.install).toMatchObject([{ kind: "node", package: name, bins }]);
    expect(openclaw.homepage).toBe(FRONT["homepage"]);
    expect(openclaw).not.toHaveProperty("always");
  });
});

describe("what SKILL.md tells an agent", () => {
  it("fits into what is read of it", () => {
    expect(SKILL.length).toBeLessThanOrEqual(6_000);
    expect(BODY.split(/\s+/).length).toBeGreaterThan(80);
    expect(BODY.match(/^## /gm)?.length).toBeGreaterThanOrEqual(2);
  });

  it("is the commands that only look or begin, with nothing secret on their lines", () => {
    const commands = [...BODY.matchAll(/codex-auth-skill ([^`\n]*)/g)].map(([, line]) => line ?? "");
    expect(commands.map((line) => line.split(" ")[0] ?? "").toSorted()).toEqual([
      "doctor",
      "list",
      "start",
      "status",
      "usage",
    ]);
    const flags = commands.flatMap((line) => line.match(/--[a-z-]+/g) ?? []);
    expect(new Set(flags)).toEqual(new Set(["--json", "--profile"]));
  });

  it("never lets a callback address come near the model", () => {
    expect(BODY).toMatch(/Never ask for, accept, repeat or pass on a callback address/);
    expect(SKILL).not.toMatch(/callback-url|localhost|code=|state=|codex-auth-skill finish|\/codex_auth finish/);
    expect(BODY).toMatch(/send `\/codex_auth <name>` there/);
  });

  it("ends at a state that can be read, and leaves changes to a person's press", () => {
    expect(BODY).toMatch(/waits until an allow-listed person presses a button/);
    for (const outcome of ["done", "rolled-back", "parked", "cancelled"]) expect(BODY).toContain(`\`${outcome}\``);
    expect(BODY.match(/Done when/g)?.length).toBeGreaterThanOrEqual(3);
  });
});

describe("RISK.md", () => {
  it("has the sections that reviewers look for", () => {
    const headings = [...readFile("RISK.md").matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(
      expect.arrayContaining([
        "Safe defaults",
        "Allowed operations",
        "Denied operations",
        "Files",
        "Hosts",
        "Processes",
        "Undo",
      ]),
    );
  });
});

describe("the documents", () => {
  /** Files that are being made; a name leaves this list when its file is there. */
  const PENDING = ["docs/demo.svg"];

  it("link to files of this repository that exist, and to headings that are there", () => {
    const documents = repoFiles("", /^[A-Z]+\.md$/);
    const links = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target ?? "")
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => ({ from: path, target })),
    );
    expect(links.length).toBeGreaterThan(15);
    const broken = links.filter(({ from, target }) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? from : path;
      if (PENDING.includes(file)) return false;
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("name tests and sources that exist", () => {
    const named = repoFiles("", /^[A-Z]+\.md$/).flatMap(({ path, text }) =>
      [...text.matchAll(/`((?:src|test|scripts)\/[\w./-]+)`/g)].map(([, file]) => `${path}: ${file ?? ""}`),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((line) => !existsSync(join(ROOT, line.split(": ")[1] ?? "")))).toEqual([]);
  });
});

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(document: string): readonly string[] {
  return [...readFile(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(/\s/g, "-"),
  );
}
