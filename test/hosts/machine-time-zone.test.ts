import { describe, expect, it } from "vitest";
import { machineTimeZone } from "../../src/hosts/machine-time-zone.ts";

describe("the time zone of this machine", () => {
  it("is the one that the system names, as far as times can be shown in it", () => {
    expect(machineTimeZone()).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
    expect(machineTimeZone("Asia/Tokyo")).toBe("Asia/Tokyo");
    expect(machineTimeZone("Nowhere/At_all")).toBeUndefined();
  });
});
