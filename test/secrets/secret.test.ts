import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/secrets/secret.ts";

const TEXT = "open-sesame";

describe("a secret", () => {
  it("gives its text only when asked for it", () => {
    expect(Secret.of(TEXT).expose()).toBe(TEXT);
  });

  it.each([
    ["String()", (secret: Secret) => String(secret)],
    ["JSON", (secret: Secret) => JSON.stringify({ nested: [secret] })],
    ["inspect", (secret: Secret) => inspect({ nested: { secret } }, { depth: 9, showHidden: true })],
    [
      "inspect without custom printers",
      (secret: Secret) => inspect(secret, { customInspect: false, showHidden: true }),
    ],
    ["format %o", (secret: Secret) => format("%o %O %s %j", secret, secret, secret, secret)],
    ["an error's cause", (secret: Secret) => inspect(new Error("failed", { cause: secret }))],
    ["its own keys", (secret: Secret) => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)])],
  ])("is not to be seen through %s", (_way, print) => {
    expect(print(Secret.of(TEXT))).not.toContain(TEXT);
  });
});
