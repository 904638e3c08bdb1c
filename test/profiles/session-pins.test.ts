import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSessionPins } from "../../src/profiles/session-pins.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function sessions(text: string): Promise<string> {
  const stateDir = await temporaryFolder();
  const path = join(stateDir, "agents", "main", "sessions", "sessions.json");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return stateDir;
}

describe("readSessionPins", () => {
  it("finds the chats that are bound to a profile, and whether a person chose it", async () => {
    const stateDir = await sessions(
      JSON.stringify({
        "agent:main:main": { sessionId: "s", authProfileOverride: "p", authProfileOverrideSource: "user" },
        "agent:main:telegram": { authProfileOverride: "q", authProfileOverrideSource: "auto" },
        "agent:main:free": { sessionId: "t" },
        odd: 7,
      }),
    );
    expect(await readSessionPins(stateDir, "Main")).toEqual([
      { profileId: "p", byPerson: true },
      { profileId: "q", byPerson: false },
    ]);
  });

  it("finds none where there is no list of chats, or one that cannot be read", async () => {
    expect(await readSessionPins(await temporaryFolder(), "main")).toEqual([]);
    expect(await readSessionPins(await sessions("{ broken"), "main")).toEqual([]);
  });
});
