// Writing a plan of several files: one question, one moment to give it up, and one reload after the last.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepare } from "../../../src/apply/steps/prepare.ts";
import { write } from "../../../src/apply/steps/write.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import type { ProfileStore } from "../../../src/profiles/store.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { gatewayWith, runOf, storeWith } from "./step-lab.ts";

const BOB = "openai-codex:bob";

/** `store`, and for each file that is written whether that could be given up. */
function recording(store: ProfileStore) {
  const signals: boolean[] = [];
  const apply: ProfileStore["apply"] = (file, values, options) => {
    signals.push(options?.signal !== undefined);
    return store.apply(file, values, options);
  };
  return { signals, store: storeWith(store, { apply }) };
}

describe("a plan of several files", () => {
  it("is asked about once, can be given up before its first file, and is told after its last", async () => {
    const w = applyWorld(await temporaryFolder());
    const other = join(dirname(dirname(dirname(w.storePath))), "ops", "agent", "auth-profiles.json");
    mkdirSync(dirname(other), { recursive: true });
    writeFileSync(other, JSON.stringify({ version: 1, profiles: { [BOB]: w.readStore().profiles[BOB] } }));
    const run = runOf(w, await enqueueChange(w, "rename-profile", { to: "openai-codex:carol" }));
    await prepare(run, w.services);
    const asked: unknown[] = [];
    const reloaded: string[] = [];
    const { store, signals } = recording(w.store);
    const reload: Gateway["reload"] = () => {
      reloaded.push(readFileSync(other, "utf8"), readFileSync(w.storePath, "utf8"));
      return w.gateway.reload();
    };
    const mayStill = (address: unknown): boolean => asked.push(address) === 1;
    await write(run, { ...w.services, store, mayStill, gateway: gatewayWith(w.gateway, { reload }) }, true);
    expect(asked).toHaveLength(1);
    expect(signals).toEqual([true, false]);
    expect(reloaded).toHaveLength(2);
    for (const text of reloaded) expect(text).toContain("openai-codex:carol");
    const notes = run.job.journal.map(({ state, note }) => `${state} ${note ?? ""}`.trim());
    expect(notes.slice(-3)).toEqual(["prepared file 1 of 2 written", "written", "activated"]);
  });

  it("cannot be given up where something of it was written before", async () => {
    const w = applyWorld(await temporaryFolder());
    const run = runOf(w, await enqueueChange(w, "order", { how: "first" }));
    await prepare(run, w.services);
    const { store, signals } = recording(w.store);
    await write(run, { ...w.services, store }, false);
    expect(signals).toEqual([false]);
  });
});
