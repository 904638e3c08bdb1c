// Telemetry as a process of its own, on the built code. The broker's address and token come by the environment.
// telemetry-peer.mjs hold <folder> <leaseId> <machineId> <count>    counts, begins a flush, and waits to be killed
// telemetry-peer.mjs pace <folder> <leaseId> <machineId> <spoolMs>  counts one request per turn and prints "<count> <ms>" now and then
// telemetry-peer.mjs work <folder> <leaseId> <machineId> <count>    counts in turns of ten with a flush after each, then stops and ends

import { createLeaseBroker } from "../../dist/lease/broker-client.js";
import { LeaseTelemetry } from "../../dist/lease/telemetry.js";
import { Secret } from "../../dist/secrets/secret.js";
import { setTimeout as sleep } from "node:timers/promises";

const [command, folder, leaseId, machineId, size] = process.argv.slice(2);
const { PEER_BROKER: baseUrl, PEER_TOKEN: token } = process.env;
const broker = createLeaseBroker({ baseUrl, token: Secret.of(token) });
const telemetry = new LeaseTelemetry({
  broker,
  folder,
  ...(command === "pace" ? { spoolIntervalMs: Number(size), flushEveryRequests: 1e9 } : {}),
});
telemetry.setLease({ leaseId, owner: { machineId, agentId: "openclaw:main" } });
const request = { usage: { prompt_tokens: 100, completion_tokens: 10 }, model: "gpt-5.4", status: "ok" };

if (command === "hold") {
  for (let time = 0; time < Number(size); time += 1) telemetry.observeUsage(request);
  await telemetry.flush();
  process.stdout.write("flushed\n");
  // Nothing else keeps a process: it is there until it is killed.
  setInterval(() => undefined, 2 ** 30);
}
if (command === "pace") {
  telemetry.start();
  for (let count = 1; ; count += 1) {
    telemetry.observeUsage(request);
    if (count % 20 === 0) process.stdout.write(`${count} ${Date.now()}\n`);
    await sleep(1);
  }
}
if (command === "work") {
  process.stdout.write("ready\n");
  for (let count = 0; count < Number(size); count += 10) {
    for (let time = 0; time < 10; time += 1) telemetry.observeUsage(request);
    await telemetry.flush();
  }
  await telemetry.stop();
  await broker.close();
}
