import { describe, expect, it } from "vitest";
import type { DeviceSignIns } from "../../src/chat/device-sign-ins.ts";
import { ChatRouter } from "../../src/chat/router.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { DEVICE } from "../../src/config/defaults.ts";
import { deviceLab, type DeviceLab } from "./device-lab.ts";

const INTERVAL = 5_000;

/** `target`, but the process stands still for ever before or after `method` of it has done its work. */
function dyingAt<T extends object>(target: T, method: string, when: "before" | "after", died: () => void): T {
  return new Proxy(target, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== "function") return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const isHere = name === method;
        const call = (): unknown => Reflect.apply(value, object, args);
        if (!isHere) return call();
        if (when === "after") await call();
        died();
        return new Promise(() => undefined);
      };
    },
  });
}

/** A process of the host that dies there. */
function doomed(lab: DeviceLab, what: string, when: "before" | "after", died: () => void): ChatRouter {
  const { services, devices } = lab;
  const [part, method] = what.split(".");
  const ours: ChatServices =
    part === "parked"
      ? {
          ...services,
          engine: {
            queue: services.engine.queue,
            receipts: services.engine.receipts,
            outbox: services.engine.outbox,
            kick: () => services.engine.kick(),
            isExecutorAlive: () => services.engine.isExecutorAlive(),
            overview: (limit) => services.engine.overview(limit),
            parked: dyingAt(services.engine.parked, method ?? "", when, died),
          },
        }
      : { ...services, devices: dyingAt<DeviceSignIns>(devices, method ?? "", when, died) };
  return new ChatRouter(ours);
}

describe("a process that is killed after the code was entered", () => {
  it.each([
    // The answer was on its way: whoever counts on a second one is told by the code's own end.
    ["devices.poll", "after", "expired"],
    ["devices.change", "before", "expired"],
    ["devices.change", "after", "Signed in as bob@example.com"],
    ["devices.claim", "before", "Signed in as bob@example.com"],
    ["devices.claim", "after", "was stopped while it was getting the login"],
    // Between the issuer's answer and the disk is one write, and no more.
    ["parked.put", "before", "was stopped while it was getting the login"],
    ["parked.put", "after", "Signed in as bob@example.com"],
    ["devices.forget", "before", "Signed in as bob@example.com"],
  ] as const)(
    "%s, %s it: the next one tells how it stands (%s), and no code is used twice",
    async (what, when, words) => {
      const lab = await deviceLab();
      const { chat, clock, issuer } = lab;
      await chat.say("work");
      await chat.router.close();
      const dead = new Promise<void>((resolve) => {
        const router = doomed(lab, what, when, resolve);
        void router
          .resume("telegram", () => chat)
          .then(async () => {
            issuer.approveDevice(lab.code(), "bob@example.com");
            await clock.rests();
            clock.advance(INTERVAL);
          });
      });
      await dead;

      const next = await lab.restart();
      if (words === "expired") {
        await clock.rests();
        clock.advance(DEVICE.ttlMs);
      }
      await next.codesEntered();
      expect(chat.out.last).toContain(words);
      expect(chat.out.messages.size).toBe(1);
      const asked = issuer.log.filter(({ path }) => path === "/oauth/token");
      const parked = await chat.parked.list();
      expect(new Set(asked.map(({ presented }) => presented)).size).toBe(asked.length);
      expect(parked).toHaveLength(words.startsWith("Signed in") ? 1 : 0);
      expect(await lab.onDisk()).toEqual([]);
      expect(await lab.services.signIns.waiting(chat.asker)).toEqual([]);
    },
  );
});
