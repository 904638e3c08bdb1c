import { describe, expect, it } from "vitest";
import { parseUsageServer } from "../../src/usage/usage-server.ts";

describe("the server that is asked for usage", () => {
  it("is chatgpt.com where nothing else is set, and may be an address on this machine", () => {
    expect(parseUsageServer(undefined)).toEqual({ origin: "https://chatgpt.com" });
    expect(parseUsageServer("https://chatgpt.com/")).toEqual({ origin: "https://chatgpt.com" });
    expect(parseUsageServer("http://127.0.0.1:4000")).toEqual({ origin: "http://127.0.0.1:4000" });
    expect(parseUsageServer("http://[::1]:4000/")).toEqual({ origin: "http://[::1]:4000" });
  });

  it.each([
    "http://chatgpt.com",
    "https://chatgpt.com.example",
    "https://example.com",
    "https://127.0.0.1:4000",
    "http://127.0.0.1.example:80",
    "http://user@127.0.0.1:1",
    "http://127.0.0.1:1/path",
    "chatgpt.com",
    "",
  ])("is nobody else: %s", (text) => {
    expect(() => parseUsageServer(text)).toThrow(expect.objectContaining({ code: "ERR_CONFIG_INVALID" }));
  });
});
