import { describe, expect, it } from "vitest";
import { present } from "../../src/profiles/present.ts";

describe("what is present", () => {
  it("is all that has a value, were it an empty one, in its order; what has none is not even a key", () => {
    const values = { id: "a", email: undefined, count: 0, text: "", isSet: false, none: null, plan: undefined };
    expect(present(values)).toStrictEqual({ id: "a", count: 0, text: "", isSet: false, none: null });
    expect(Object.keys(present(values))).toEqual(["id", "count", "text", "isSet", "none"]);
    expect(values).toHaveProperty("plan");
  });
});
