// What is read of processes: /proc, ps and lsof against this very process, and the awkward cases of their formats.

import { describe, expect, test } from "vitest";
import { parseListeners } from "../../src/gateway/listeners.ts";
import { parsePs, psFacts, psListensOn } from "../../src/gateway/process-commands.ts";
import { looksLikeGateway, parseStat, pickVariables, readProcess } from "../../src/gateway/process-facts.ts";
import { processTable } from "../../src/gateway/process-table.ts";
import { parseLaunchdPid } from "../../src/gateway/restart-launchd.ts";
import { fakeGateway } from "../support/fake-gateway-rpc.ts";

const uid = process.getuid?.() ?? 0;

test("our own process and port are seen through /proc", async () => {
  const { port } = await fakeGateway();
  const processes = processTable();
  expect(await processes.read(process.pid)).toMatchObject({ pid: process.pid, uid, parentPid: process.ppid });
  expect(await processes.listensOn(process.pid, port, uid)).toBe(true);
  expect(await processes.listensOn(process.pid, port, uid + 1)).toBe(false);
  expect(await processes.listensOn(process.ppid, port, uid)).toBe(false);
  expect(await processes.whoListensOn(port, uid)).toBe(process.pid);
  expect(await processes.whoListensOn(port, uid + 1)).toBe("foreign");
  expect(await processes.whoListensOn(1, uid)).toBeUndefined();
  expect(await processes.read(2 ** 22 + 1)).toBeUndefined();
});

test("the same is seen through ps, and a port through lsof", async () => {
  const { port } = await fakeGateway();
  expect(await psFacts(process.pid)).toMatchObject({ uid, parentPid: process.ppid });
  expect(await psFacts(2 ** 22 + 1)).toBeUndefined();
  expect(await psListensOn(process.pid, port)).toBe(await hasLsof());
  expect(await psListensOn(process.ppid, port)).toBe(false);
});

test("without /proc the variables of a process are unknown", async () => {
  expect(await processTable("/nowhere").variables(process.pid)).toBeUndefined();
});

test("a line of ps on macOS", () => {
  const line = "  501     1 Tue Mar  3 09:05:01 2026     openclaw-gateway\n";
  const expected = { uid: 501, parentPid: 1, startTime: "Tue Mar 3 09:05:01 2026", commandLine: ["openclaw-gateway"] };
  expect(parsePs(7, line)).toMatchObject(expected);
  expect(parsePs(7, "")).toBeUndefined();
});

test("a name with brackets and blanks does not shift the fields of stat, and a zombie is gone", () => {
  const rest = `S 4 ${Array.from({ length: 17 }, () => "0").join(" ")} 99 0`;
  expect(parseStat(`7 (a) b ( c) ${rest}`)).toEqual({ parentPid: 4, startTime: 99 });
  expect(parseStat(`7 (x) ${rest.replace("S", "Z")}`)).toBeUndefined();
});

test("only the named variables are kept", () => {
  const block = "HOME=/x\0INVOCATION_ID= \0JOURNAL_STREAM=8:1\0SECRET_TOKEN=abc\0TMPDIR=/a=b\0";
  expect(pickVariables(block)).toEqual({ JOURNAL_STREAM: "8:1", TMPDIR: "/a=b" });
});

test("only listening sockets count", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 55 1 0",
    "   1: 0100007F:4966 0100007F:1234 01 00000000:00000000 00:00000000 00000000  1000        0 56 1 0",
  ];
  expect(parseListeners(table.join("\n"))).toEqual([{ port: 0x4965, uid: 1000, inode: "55" }]);
});

describe("looksLikeGateway", () => {
  test.each([
    [["openclaw-gateway"]],
    [["openclaw"]],
    [["/usr/bin/node", "/opt/openclaw/openclaw.mjs", "gateway", "run"]],
    [["openclaw", "gateway", "--port", "1"]],
    // The service that `openclaw gateway install` of 2026.5.28 makes.
    [["/usr/bin/node", "/usr/lib/node_modules/openclaw/dist/index.js", "gateway", "--port", "18789"]],
    [["/usr/bin/node", "/opt/openclaw/dist/entry.mjs", "gateway"]],
  ])("%j does", (words) => {
    expect(looksLikeGateway(words)).toBe(true);
  });

  test.each([
    [[]],
    [["node", "server.js"]],
    [["vim", "openclaw-gateway.log"]],
    [["openclaw", "models", "status"]],
    [["gateway"]],
    [["node", "/srv/dist/index.js", "gateway"]],
    [["node", "/opt/openclaw/dist/index.js", "models"]],
  ])("%j does not", (words) => {
    expect(looksLikeGateway(words)).toBe(false);
  });
});

test("the pid in launchctl's answer", () => {
  expect(parseLaunchdPid("gui/501/ai.openclaw.gateway = {\n\tactive count = 1\n\tpid = 812\n}")).toBe(812);
  expect(parseLaunchdPid("could not find service")).toBeUndefined();
});

async function hasLsof(): Promise<boolean> {
  const facts = await readProcess(process.pid);
  const { existsSync } = await import("node:fs");
  return facts !== undefined && ["/usr/bin/lsof", "/usr/sbin/lsof"].some((path) => existsSync(path));
}
