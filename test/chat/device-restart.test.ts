import { EventEmitter, once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEVICE, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { DeviceStore } from "../../src/oauth/device-store.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { deviceLab } from "./device-lab.ts";

describe("a device sign-in over a restart", () => {
  it("is asked for again, in the same message, and gets its login", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const [card, code] = [lab.chat.out.lastId, lab.code()];
    await lab.look();
    const router = await lab.restart();
    await lab.look();
    expect(lab.looks()).toBe(2);
    lab.issuer.approveDevice(code, "bob@example.com");
    await lab.lastLook();
    expect(lab.chat.out.lastId).toBe(card);
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com");
    expect(lab.chat.out.messages.size).toBe(1);
    await router.close();
  });

  it("that was entered while nobody ran is finished by the next process", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.chat.router.close();
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.restart();
    await lab.lastLook();
    expect(await lab.chat.parked.list()).toMatchObject([{ email: "bob@example.com" }]);
  });

  it("that expired while nobody ran is told by the next process", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.chat.router.close();
    lab.clock.advance(DEVICE.ttlMs);
    const router = await lab.restart();
    await router.codesEntered();
    expect(lab.chat.out.last).toContain("has expired");
    expect(await lab.onDisk()).toEqual([]);
  });

  it("that stops while the login is on its way waits until it is on the disk", async () => {
    const lab = await deviceLab();
    const { parked, router } = lab.chat;
    const order: string[] = [];
    const disk = new EventEmitter();
    const came = once(disk, "came");
    const real = parked.put.bind(parked);
    parked.put = async (...login) => {
      disk.emit("came");
      await once(disk, "free");
      const record = await real(...login);
      order.push("parked");
      return record;
    };
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.clock.rests();
    lab.clock.advance(5 * SECOND);
    await came;
    const closing = router.close().then(() => order.push("closed"));
    disk.emit("free");
    await closing;
    await expect.poll(() => order).toEqual(["parked", "closed"]);
    expect(await parked.list()).toMatchObject([{ email: "bob@example.com" }]);
  });

  it("whose message cannot be edited for a while goes on, and is shown when it can be", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.clock.rests();
    const { out } = lab.chat;
    out.edit = () => Promise.reject(new Error("no network"));
    lab.issuer.device.pollFaults.next({ kind: "nested-error", code: "slow_down" });
    await lab.look();
    await lab.look(10 * SECOND);
    expect(lab.looks()).toBe(2);
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.look(10 * SECOND);
    await lab.chat.router.close();
    // Received and kept, although nobody could be told; the next process tells.
    expect(await lab.chat.parked.list()).toMatchObject([{ email: "bob@example.com" }]);
    expect(await lab.onDisk()).toHaveLength(1);
    Reflect.deleteProperty(out, "edit");
    await lab.restart();
    expect(out.last).toContain("Signed in as bob@example.com");
    expect([out.messages.size, await lab.onDisk()]).toEqual([1, []]);
  });

  it("whose end could not be told is told later", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.clock.rests();
    const { out } = lab.chat;
    out.edit = () => Promise.reject(new Error("no network"));
    lab.issuer.device.pollFaults.next({ kind: "nested-error", code: "access_denied" });
    await lab.look();
    expect(await lab.onDisk()).toHaveLength(1);
    Reflect.deleteProperty(out, "edit");
    await lab.clock.rests();
    lab.clock.advance(DEVICE.maxBackoffMs);
    await lab.chat.router.codesEntered();
    expect(out.last).toContain("was declined");
    expect([lab.looks(), await lab.onDisk()]).toEqual([1, []]);
  });

  it("of somebody who was taken off the list meanwhile is dropped", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    lab.gone.add("1");
    const shown = lab.chat.out.history.length;
    await lab.restart();
    expect([lab.chat.out.history.length, lab.looks(), await lab.onDisk()]).toEqual([shown, 0, []]);
  });
});

describe("a code on the disk", () => {
  it("lies in a 0600 file, which the expired ones of every host leave", async () => {
    const folder = join(await temporaryFolder(), "device");
    let now = 1_800_000_000_000;
    const store = new DeviceStore(folder, () => now);
    const record = {
      schemaVersion: 1,
      id: "0123456789ab",
      host: "terminal",
      chatId: "terminal",
      personId: "1000",
      agentId: "main",
      profileId: "openai-codex:work",
      issuerOrigin: "https://auth.openai.com",
      startedAtMs: now,
      expiresAtMs: now + DEVICE.ttlMs,
      deviceAuthId: Secret.of("deviceauth-1"),
      userCode: "ABCD-EFGHJ",
      intervalMs: 5 * SECOND,
      view: "code",
      grant: { code: Secret.of("ac-1"), verifier: Secret.of("v-1") },
    } as const;
    await store.put(record);
    const path = join(folder, "0123456789ab.json");
    expect([(await stat(path)).mode & 0o777, (await stat(folder)).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(await readFile(path, "utf8")).toContain("deviceauth-1");
    const [read] = await store.list("terminal");
    expect([read?.deviceAuthId, read?.grant?.code, read?.grant?.verifier].map((secret) => secret?.expose())).toEqual([
      "deviceauth-1",
      "ac-1",
      "v-1",
    ]);
    expect(JSON.stringify(read)).not.toMatch(/deviceauth-1|ac-1|v-1/);
    expect(await store.list("telegram")).toEqual([]);
    now += DEVICE.ttlMs + 14 * MINUTE;
    await store.sweep();
    expect(await store.list("terminal")).toHaveLength(1);
    now += MINUTE;
    await store.sweep();
    expect(await store.list("terminal")).toEqual([]);
  });
});
