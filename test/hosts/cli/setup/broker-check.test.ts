import { describe, expect, it, onTestFinished } from "vitest";
import { askBroker } from "../../../../src/hosts/cli/setup/broker-check.ts";
import { startSandboxBroker } from "../../../../src/sandbox/broker.ts";
import { openBroker } from "../../../support/sandbox-broker.ts";

const SIGNAL = new AbortController().signal;

describe("the question to the broker", () => {
  it("changes nothing there: a lease that runs is not even contacted", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const before = lab.broker.lease(id);
    lab.pass(30_000);
    const { origin: baseUrl, token } = lab.broker;
    const verdict = await askBroker({ baseUrl, token, allowInsecureLocalhost: true }, SIGNAL, Date.now);
    expect(verdict.kind).toBe("ok");
    expect(lab.broker.lease(id)).toEqual(before);
    expect(lab.broker.leases()).toHaveLength(1);
  });

  it("has an end where no answer comes", async () => {
    const broker = await startSandboxBroker();
    onTestFinished(() => broker.close());
    broker.faults.next({ kind: "hang" });
    const { origin: baseUrl, token } = broker;
    const door = { baseUrl, token, allowInsecureLocalhost: true };
    expect(await askBroker(door, SIGNAL, Date.now, 100)).toMatchObject({
      kind: "unreachable",
      finding: { text: "no answer within 0.1 s" },
    });
  });

  it("says that the broker has no token, or that something else answers there", async () => {
    const broker = await startSandboxBroker({ token: null });
    onTestFinished(() => broker.close());
    const { token } = await startSandboxBroker().then((other) => (onTestFinished(() => other.close()), other));
    const door = { baseUrl: broker.origin, token, allowInsecureLocalhost: true };
    expect(await askBroker(door, SIGNAL, Date.now)).toMatchObject({
      kind: "refused",
      finding: { text: expect.stringContaining("no internal API token set") },
    });
    expect(await askBroker({ ...door, baseUrl: `${broker.origin}/elsewhere` }, SIGNAL, Date.now)).toMatchObject({
      kind: "refused",
      finding: { text: expect.stringContaining("no such endpoint") },
    });
  });
});
