import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCodexAuthError } from "../../src/errors.ts";
import { resolveSelector } from "../../src/profiles/selector.ts";
import { shortName } from "../../src/profiles/profile-id.ts";

const KNOWN = ["openai-codex:ada@example.com", "openai-codex:work"];

function codeFor(text: string, known: readonly string[] = KNOWN): unknown {
  try {
    return resolveSelector(text, known);
  } catch (error) {
    return isCodexAuthError(error) ? error.code : error;
  }
}

describe("what a person types for a profile", () => {
  it.each([
    ["work", "openai-codex:work", true],
    ["  work ", "openai-codex:work", true],
    ["openai-codex:work", "openai-codex:work", true],
    ["OpenAI-Codex:work", "openai-codex:work", true],
    ["ada@example.com", "openai-codex:ada@example.com", true],
    ["openai-codex:ada@example.com", "openai-codex:ada@example.com", true],
    ["new+one_2.x-y", "openai-codex:new+one_2.x-y", false],
    ["Default", "openai-codex:Default", false],
    ["work12", "openai-codex:work12", false],
    ["a".repeat(64), `openai-codex:${"a".repeat(64)}`, false],
  ])("%j is %s", (text, profileId, exists) => {
    expect(resolveSelector(text, KNOWN)).toEqual({ profileId, exists, viaDefault: false });
  });

  it("`default` is openai-codex:default where there is one, and that is nobody else's", () => {
    const known = [...KNOWN, "openai-codex:default"];
    expect(resolveSelector("default", known)).toEqual({
      profileId: "openai-codex:default",
      exists: true,
      viaDefault: false,
    });
  });

  it("`default` is the first profile there is otherwise, and says that it is somebody's own", () => {
    expect(resolveSelector("default", KNOWN)).toEqual({ profileId: KNOWN[0], exists: true, viaDefault: true });
  });

  it("`default` is a new openai-codex:default where there is no profile", () => {
    expect(resolveSelector("default", [])).toEqual({
      profileId: "openai-codex:default",
      exists: false,
      viaDefault: false,
    });
  });

  it("an id that is there is taken by exact match, whatever it looks like", () => {
    const odd = ["openai-codex:a b/c", `openai-codex:id-${"x".repeat(90)}`, "openai-codex:123"];
    for (const id of odd) expect(resolveSelector(id, odd)).toMatchObject({ profileId: id, exists: true });
  });

  it("another provider is refused by name, with OpenClaw's own command", () => {
    expect(() => resolveSelector("anthropic:work", KNOWN)).toThrow(
      expect.objectContaining({
        code: "ERR_PROVIDER_OUT_OF_SCOPE",
        message: expect.stringContaining("anthropic"),
        next: expect.stringContaining("openclaw models auth login --provider anthropic"),
      }),
    );
  });

  it("names of digits alone are refused, for a number means an entry of a list", () => {
    expect(codeFor("12")).toBe("ERR_SELECTOR_INVALID");
    expect(codeFor("openai-codex:12")).toBe("ERR_SELECTOR_INVALID");
    expect(codeFor("12a")).toMatchObject({ profileId: "openai-codex:12a" });
  });

  it.each([
    "",
    "  ",
    "a b",
    "a".repeat(65),
    "a".repeat(5_000),
    "../../etc/passwd",
    "<b>work</b>",
    "wörk",
    "wo\u202Erk",
    "wo\nrk",
    "openai-codex:",
    ":work",
    "a:b:c",
    "http://localhost:1455/auth/callback?code=x&state=y",
    "<script>:work",
    "`rm`:work",
    "1password:work",
    "-other:work",
    "other!:work",
    `${"o".repeat(33)}:work`,
  ])("%j is refused without being repeated", (text) => {
    let error: unknown;
    try {
      resolveSelector(text, KNOWN);
    } catch (caught) {
      error = caught;
    }
    expect(isCodexAuthError(error, "ERR_SELECTOR_INVALID")).toBe(true);
    if (isCodexAuthError(error) && text.trim().length > 2) expect(`${error.message} ${error.next}`).not.toContain(text);
  });

  it("never throws anything but those two, and only ever gives a Codex profile", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom(..."ab:@.1-_ /<".split("")) })),
        (text) => {
          const result = codeFor(text);
          if (typeof result === "string") {
            expect(["ERR_SELECTOR_INVALID", "ERR_PROVIDER_OUT_OF_SCOPE"]).toContain(result);
          } else {
            expect(result).toMatchObject({ profileId: expect.stringMatching(/^openai-codex:[A-Za-z0-9._@+-]{1,64}$/) });
          }
        },
      ),
    );
  });

  it("means the provider of the generation, in which ids of the older one are still understood, not the reverse", () => {
    const known = ["openai:work", "openai:bob"];
    for (const typed of ["work", "openai:work", "openai-codex:work"]) {
      expect(resolveSelector(typed, known, "openai")).toEqual({
        profileId: "openai:work",
        exists: true,
        viaDefault: false,
      });
    }
    expect(resolveSelector("OpenAI-Codex:new", known, "openai")).toMatchObject({
      profileId: "openai:new",
      exists: false,
    });
    expect(resolveSelector("default", known, "openai")).toMatchObject({ profileId: "openai:work", viaDefault: true });
    expect(resolveSelector("default", [], "openai")).toMatchObject({ profileId: "openai:default", viaDefault: false });
    const foreign = [
      ["openai:work", "openai-codex"],
      ["anthropic:work", "openai"],
    ] as const;
    for (const [typed, provider] of foreign) {
      const code = { code: "ERR_PROVIDER_OUT_OF_SCOPE" };
      expect(() => resolveSelector(typed, [], provider)).toThrow(expect.objectContaining(code) as Error);
    }
  });

  it("is short again without the provider", () => {
    expect(shortName("openai-codex:work")).toBe("work");
    expect(shortName("openai:work")).toBe("work");
    expect(shortName("other:work")).toBe("other:work");
  });
});
