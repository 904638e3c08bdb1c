// The two probes, and what an unfriendly answer counts as.

import { expect, test } from "vitest";
import { readHealth } from "../../src/gateway/health.ts";
import { fakeGateway, type FakeGatewayOptions } from "../support/fake-gateway-rpc.ts";

const live = { status: 200, text: '{"ok":true,"status":"live"}' };
const down = { live: false, ready: false, failing: [] };

test.each<[string, FakeGatewayOptions["probes"], object]>([
  [
    "ready",
    { "/healthz": live, "/readyz": { status: 200, text: '{"ready":true,"failing":[],"uptimeMs":21595}' } },
    { live: true, ready: true, failing: [], uptimeMs: 21_595 },
  ],
  [
    "live with a failing channel",
    { "/healthz": live, "/readyz": { status: 503, text: '{"ready":false,"failing":["telegram"],"uptimeMs":5}' } },
    { live: true, ready: false, failing: ["telegram"], uptimeMs: 5 },
  ],
  [
    "ready said with 503",
    { "/healthz": live, "/readyz": { status: 503, text: '{"ready":true}' } },
    { live: true, ready: false, failing: [] },
  ],
  ["not JSON", { "/healthz": { status: 200, text: "<html>" }, "/readyz": { status: 200, text: "yes" } }, down],
  ["something else on the port", {}, down],
  [
    "an endless answer",
    { "/healthz": live, "/readyz": { status: 200, text: `"${"x".repeat(100_000)}"` } },
    { ...down, live: true },
  ],
])("%s", async (_name, probes, expected) => {
  const { port } = await fakeGateway(probes === undefined ? {} : { probes });
  expect(await readHealth(port)).toEqual(expected);
});

test("nothing on the port", async () => {
  expect(await readHealth(1)).toEqual(down);
});
