import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../../../src/errors.ts";
import { activationWords, type ActivationNow } from "../../../../src/hosts/cli/setup/activation-words.ts";

const running = { kind: "running", instance: {} } as unknown as ActivationNow["gateway"];
const stopped = { kind: "stopped" } as ActivationNow["gateway"];
const possible = { kind: "possible", method: "signal", describes: "It restarts itself.", interrupts: [] } as const;
const error = new CodexAuthError("ERR_RESTART_IMPOSSIBLE", { message: "Not from here.", next: "-" });
const base: ActivationNow = {
  asked: "auto",
  gateway: running,
  restart: possible,
  generation: "json-single",
  hasPlugin: false,
};

describe("how a change is going to be activated", () => {
  it.each<[string, Partial<ActivationNow>, RegExp]>([
    ["a reload, and a restart behind it", {}, /read its logins again.*restarted\. It restarts itself\./],
    ["a reload alone where nothing can be restarted", { restart: { kind: "impossible", error } }, /yours to make/],
    ["a reload and nothing else", { asked: "reload" }, /interrupts nobody\.$/],
    ["a restart", { asked: "restart" }, /^A change restarts the gateway: It restarts itself\./],
    [
      "no restart where none is possible",
      { asked: "restart", restart: { kind: "impossible", error } },
      /Not from here/,
    ],
    ["nothing", { asked: "none" }, /only written/],
    ["nothing to activate while it is stopped", { gateway: stopped, asked: "restart" }, /does not run now/],
    ["the plugin before everything", { hasPlugin: true, generation: "sqlite" }, /^The plugin inside/],
    ["a database without the plugin", { generation: "sqlite" }, /Without the plugin/],
    ["a gateway that is not believed", { gateway: { kind: "refused", error } }, /could not be activated now: Not from/],
  ])("is said: %s", (_, change, words) => {
    expect(activationWords({ ...base, ...change })).toMatch(words);
  });
});
