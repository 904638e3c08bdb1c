import { describe, expect, it } from "vitest";
import {
  judgeBotToken,
  judgeBrokerUrl,
  judgeMachineId,
  judgePeople,
  peopleIn,
} from "../../../../src/hosts/cli/setup/judge.ts";

describe("what is typed for the allow-list", () => {
  it("is taken where it is ids of persons, each once, however they are separated", () => {
    expect(judgePeople("4242, 777 99;1")).toBeUndefined();
    expect(peopleIn(" 4242, 777\n4242;1 ")).toEqual(["4242", "777", "1"]);
    expect(peopleIn("")).toEqual([]);
  });

  it.each([
    ["-1001234567890", /group/],
    ["@grace", /given to somebody else/],
    ["grace", /Numbers only.*"grace"/],
    ["0", /Numbers only/],
    ["42, 700000001", /the bot itself/],
    ["4".repeat(21), /Numbers only/],
  ])("is refused with its reason: %s", (answer, reason) => {
    expect(judgePeople(answer, "700000001")).toMatch(reason);
  });

  it("is not shown again where it may be a token that was pasted in the wrong place", () => {
    const token = ["700000001", "x".repeat(30)].join(":");
    expect(judgePeople(token)).toMatch(/Numbers only/);
    expect(judgePeople(token)).not.toContain("xxx");
  });

  it("is no more than the settings take", () => {
    const many = Array.from({ length: 101 }, (_, index) => String(index + 1)).join(" ");
    expect(judgePeople(many)).toMatch(/100/);
  });
});

describe("other answers", () => {
  it("have the form of a token, and nothing of it is quoted", () => {
    expect(judgeBotToken(["700000001", "x".repeat(30)].join(":"))).toBeUndefined();
    expect(judgeBotToken("xyzzy")).not.toContain("xyzzy");
  });

  it("send a broker's token only by https, or on this machine", () => {
    expect(judgeBrokerUrl("https://manager.example.com/path/", true)).toBeUndefined();
    expect(judgeBrokerUrl("http://127.0.0.1:8080", true)).toBeUndefined();
    expect(judgeBrokerUrl("http://127.0.0.1:8080", false)).toMatch(/allowInsecureLocalhost/);
    expect(judgeBrokerUrl("http://manager.example.com", true)).toMatch(/not https/);
    expect(judgeBrokerUrl("manager", true)).toMatch(/no address/);
  });

  it("name this machine in one line of at most 128 characters", () => {
    expect(judgeMachineId("living room")).toBeUndefined();
    expect(judgeMachineId("a\u0007")).toBeDefined();
    expect(judgeMachineId("a".repeat(129))).toBeDefined();
  });
});
