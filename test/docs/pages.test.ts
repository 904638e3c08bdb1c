// The pages of docs/ and the README as somebody reads them: links that lead somewhere, error codes that exist, and sizes for a phone.

import { existsSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { readFile, repoFiles, ROOT } from "../support/repo-files.ts";

const PAGES = [{ path: "README.md", text: readFile("README.md") }, ...repoFiles("docs", /\.md$/)];
/** Read at a desk, by whoever works on the code. */
const FOR_DEVELOPERS = ["docs/openclaw-generations.md", "docs/dependencies.md", "docs/mutation.md"];
const FOR_PEOPLE = PAGES.filter(({ path }) => !FOR_DEVELOPERS.includes(path));

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): readonly string[] {
  return [...readFile(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(/\s/g, "-"),
  );
}

describe("the links of the pages", () => {
  const links = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ from: path, target })),
  );

  /** The files that a page links to. */
  const linkedFrom = (start: string): readonly string[] =>
    links
      .filter((link) => link.from === start)
      .map(({ target }) => posix.join(posix.dirname(start), target.split("#")[0] ?? ""));

  it("lead to files and headings that are there", () => {
    expect(links.length).toBeGreaterThan(60);
    const broken = links.filter(({ from, target }) => {
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? from : posix.join(posix.dirname(from), file);
      if (!existsSync(posix.join(ROOT, path))) return true;
      return anchor !== undefined && !anchorsOf(path).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("lead from the README to every page, in one step or two", () => {
    const near = linkedFrom("README.md");
    const reached = new Set([...near, ...near.flatMap(linkedFrom)]);
    const pages = PAGES.map(({ path }) => path).filter((path) => path !== "README.md" && path !== "docs/mutation.md");
    expect(pages.filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe("the error codes of the pages", () => {
  const known = [...readFile("src/errors.ts").matchAll(/"(ERR_\w+)"/g)].map(([, code = ""]) => code);

  it("are all explained under what a person sees, and no others are named", () => {
    const page = readFile("docs/troubleshooting.md");
    const explained = new Set([...page.matchAll(/`(ERR_\w+)`/g)].map(([, code = ""]) => code));
    const expected = new Set(known);
    expect(expected.size).toBeGreaterThan(80);
    expect([...explained].toSorted()).toEqual([...expected].toSorted());
  });

  it("are codes of the program wherever they stand", () => {
    const named = PAGES.flatMap(({ text }) => text.match(/\bERR_[A-Z_]+\b/g) ?? []);
    // Node.js and npm have codes of such a shape, which the measured pages quote.
    const others = ["ERR_MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"];
    expect(named.filter((code) => !known.includes(code) && !others.includes(code))).toEqual([]);
  });
});

describe("the sentences that the tables quote", () => {
  const program = repoFiles("src", /\.ts$/)
    .filter(({ path }) => !path.startsWith("src/sandbox/"))
    .map(({ text }) => text)
    .join("\n");
  /** OpenClaw's own. */
  const others = ["Command not found"];
  const quoted = FOR_PEOPLE.flatMap(({ path, text }) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .flatMap((line) => [...line.matchAll(/(?<![\w`])_([^_`|]{4,}?)_(?!\w)/g)])
      .map(([, sentence = ""]) => ({ path, sentence })),
  );

  it("are sentences of the program", () => {
    expect(quoted.length).toBeGreaterThan(60);
    const strange = quoted.filter(({ sentence }) => {
      const parts = sentence.split("…").map((part) => part.replaceAll(/^[\s,.]+|[\s,.]+$/g, ""));
      return !others.includes(sentence) && parts.some((part) => !program.includes(part));
    });
    expect(strange).toEqual([]);
  });
});

describe("the pages for people", () => {
  it("are short", () => {
    for (const { path, text } of FOR_PEOPLE)
      expect(text.split("\n").length, path).toBeLessThanOrEqual(path === "README.md" ? 200 : 140);
  });

  it("have no table wider than three columns, and none of the README's cells is long", () => {
    const rows = FOR_PEOPLE.flatMap(({ path, text }) =>
      text
        .split("\n")
        .filter((line) => line.startsWith("|"))
        .map((line) => ({ path, cells: line.slice(1, -1).split("|") })),
    );
    expect(rows.length).toBeGreaterThan(200);
    expect(rows.filter(({ cells }) => cells.length > 3)).toEqual([]);
    const cells = rows.flatMap((row) => (row.path === "README.md" ? row.cells : []));
    expect(cells.map((cell) => cell.trim()).filter((cell) => cell.length > 90)).toEqual([]);
  });
});
