// What the plugin's package would hold: OpenClaw's install scanner of 2026.4.5 reads each file by itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesLoadedBy } from "../../support/import-graph.ts";

const ENTRY = join(import.meta.dirname, "..", "..", "..", "src", "hosts", "openclaw", "index.ts");

describe("the files that the plugin loads", () => {
  const files = filesLoadedBy(ENTRY);
  const withText = [...files.keys()].map((file) => ({ file, text: readFileSync(file, "utf8") }));

  it("are all of it: the chat, the queue, the lease and the store are among them", () => {
    const names = [...files.keys()].map((file) => file.replace(/^.*\/src\//, ""));
    expect(names).toEqual(
      expect.arrayContaining(["chat/router.ts", "apply/executor.ts", "hosts/lease.ts", "profiles/openclaw-store.ts"]),
    );
  });

  it("start no process: none of them so much as names the module for it", () => {
    expect(
      withText.filter(({ text }) => text.includes("child_process")).map(({ file }) => [file, files.get(file)]),
    ).toEqual([]);
  });

  it("read the environment in one file, which holds nothing that looks like a request", () => {
    const reading = withText.filter(({ text }) => text.includes("process.env"));
    expect(reading.map(({ file }) => file.replace(/^.*\/src\//, ""))).toEqual(["config/env.ts"]);
    expect(reading[0]?.text).not.toMatch(/\bfetch\b|\bpost\b|http\.request/i);
  });

  it("evaluate no text as code", () => {
    expect(withText.filter(({ text }) => /\beval\s*\(|new\s+Function\s*\(/.test(text)).map(({ file }) => file)).toEqual(
      [],
    );
  });

  it("never load what restarts a gateway, nor the bot", () => {
    const names = [...files.keys()].map((file) => file.replace(/^.*\/src\//, ""));
    expect(names.filter((name) => /gateway\/restart|gateway\/gateway|worker\/launch|apply\/launch/.test(name))).toEqual(
      [],
    );
    expect(withText.filter(({ text }) => /from "grammy"/.test(text)).map(({ file }) => file)).toEqual([]);
  });
});
