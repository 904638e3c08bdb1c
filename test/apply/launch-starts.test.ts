// Starting a worker, with a program in its place that says what it was given: its environment, its folder, and no argument.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { launchWorker } from "../../src/apply/launch.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const SOON = { timeout: 15_000, interval: 20 };

interface Said {
  readonly argv: readonly string[];
  readonly variables: Record<string, string>;
  readonly cwd: string;
  readonly pid: number;
  readonly isConnected: boolean;
}

/** A program that writes down how it was started, and what it wrote. */
async function program(name: string, more: readonly string[] = []) {
  const folder = await temporaryFolder();
  const [path, record] = [join(folder, name), join(folder, `${name}.said`)];
  const said = `{ argv: process.argv.slice(1), variables: { ...process.env }, cwd: process.cwd(), pid: process.pid, isConnected: process.connected === true }`;
  const lines = [
    `#!${process.execPath}`,
    `const { renameSync, writeFileSync } = require("node:fs");`,
    `writeFileSync(${JSON.stringify(`${record}.part`)}, JSON.stringify(${said}));`,
    `renameSync(${JSON.stringify(`${record}.part`)}, ${JSON.stringify(record)});`,
    ...more,
  ];
  writeFileSync(path, lines.join("\n"));
  chmodSync(path, 0o755);
  const read = async (): Promise<Said> => {
    await expect.poll(() => existsSync(record), SOON).toBe(true);
    return JSON.parse(readFileSync(record, "utf8")) as Said;
  };
  return { folder, path, read };
}

describe("a worker beside us", () => {
  it("gets exactly the given environment, no argument, and a folder that nobody unmounts", async () => {
    const worker = await program("worker.cjs");
    await launchWorker({ entry: worker.path, variables: { ONLY: "this" }, placement: "fork" });
    const said = await worker.read();
    expect(said.argv).toEqual([worker.path]);
    const { NODE_CHANNEL_FD: _fd, NODE_CHANNEL_SERIALIZATION_MODE: _mode, ...variables } = said.variables;
    expect(variables).toEqual({ ONLY: "this" });
    expect(said.cwd).toBe("/");
  });

  it("is the leader of a session of its own, and nothing of ours holds it or is held by it", async () => {
    const stay = ["process.once('disconnect', () => undefined);", "setTimeout(() => undefined, 30_000);"];
    const worker = await program("worker.cjs", stay);
    await launchWorker({ entry: worker.path, variables: {}, placement: "fork" });
    const { pid } = await worker.read();
    try {
      // Fields 5 and 6 of its line: process group and session.
      const line = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
      expect(fields.slice(2, 4)).toEqual([String(pid), String(pid)]);
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });
});

describe("a worker outside the gateway's service", () => {
  it("is started by systemd-run with the names of the settings on the command line, and never a value", async () => {
    const systemd = await program("systemd-run");
    const variables = { PATH: systemd.folder, SECRET_ONE: "value-one", OTHER: "value-two" };
    await launchWorker({ entry: "/opt/worker.js", variables, placement: "leave" });
    const said = await systemd.read();
    expect(said.argv.slice(1)).toEqual([
      "--user",
      "--collect",
      "--quiet",
      "--no-block",
      "--setenv=PATH",
      "--setenv=SECRET_ONE",
      "--setenv=OTHER",
      "--",
      process.execPath,
      "/opt/worker.js",
    ]);
    expect(said.variables).toEqual(variables);
    expect(said.argv.join(" ")).not.toContain("value-");
  });

  it("is refused, and told to try again, where systemd-run is not there or fails", async () => {
    const nowhere = join(await temporaryFolder(), "empty");
    mkdirSync(nowhere);
    const failing = await program("systemd-run", ["process.exit(1);"]);
    for (const PATH of [nowhere, failing.folder]) {
      const launching = launchWorker({ entry: "/opt/worker.js", variables: { PATH }, placement: "leave" });
      await expect(launching).rejects.toMatchObject({ code: "ERR_RESTART_IMPOSSIBLE", retryable: true });
    }
  });
});
