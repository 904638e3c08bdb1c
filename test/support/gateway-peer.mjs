// A stand-in for the gateway's process: title, lock file, port, probes, and what it does on SIGUSR1 (argv: lock path, config path, behaviour, title).

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Socket } from "node:net";
import { dirname } from "node:path";

const [lockPath, configPath, behaviour, title, portText = "0"] = process.argv.slice(2);
process.title = title;
let startedAt = Date.now();
const server = createServer((request, response) => {
  const uptimeMs = Date.now() - startedAt;
  const body = request.url === "/readyz" ? { ready: true, failing: [], uptimeMs } : { ok: true, status: "live" };
  response.end(JSON.stringify(body));
});

function listen(port, then) {
  server.listen(port, "127.0.0.1", () => {
    mkdirSync(dirname(lockPath), { recursive: true, mode: 0o700 });
    const startTime = Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ")[19]);
    const lock = { pid: process.pid, createdAt: new Date().toISOString(), configPath, startTime };
    writeFileSync(lockPath, JSON.stringify(lock), { mode: 0o600 });
    then();
  });
}

listen(Number(portText), () => process.stdout.write(`listening\n${server.address().port}\nready\n`));

process.on("SIGUSR1", () => {
  const { port } = server.address();
  if (behaviour === "ignore") return;
  server.closeAllConnections();
  server.close(() => {
    rmSync(lockPath, { force: true });
    if (behaviour === "in-process") {
      startedAt = Date.now();
      listen(port, () => {});
    } else if (behaviour === "respawn") {
      const args = [process.argv[1], lockPath, configPath, "ignore", title, String(port)];
      // The leash (fd 3) stays shared: the successor ends, like the first, when the test lets go of it.
      spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", 3], detached: true }).unref();
      process.exit(0);
    } else process.exit(0);
  });
});

// Ends with the test, whatever happened to the process that started it. Not stdin: Node.js closes that when the first one ends.
const leash = new Socket({ fd: 3, readable: true, writable: false }).resume();
leash.on("end", () => process.exit(0)).on("error", () => process.exit(0));
