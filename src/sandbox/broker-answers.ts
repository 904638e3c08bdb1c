// The shapes in which the sandbox broker answers: its errors, and what FastAPI says of a body before anybody looks at the token (facts/lease-broker.md §1).

import { objectOf, textOf } from "./broker-values.ts";

/** One answer; a text body is sent as plain text. */
export interface BrokerAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The body was fit to be looked at; undefined: there was none, and none was needed. */
export interface ReadBody {
  readonly value: Readonly<Record<string, unknown>> | undefined;
}

/** 200 with `body`. */
export function ok(body: Readonly<Record<string, unknown>>): BrokerAnswer {
  return { status: 200, body };
}

/** The first error shape: `{"detail":"…"}`. */
export function detail(status: number, text: string): BrokerAnswer {
  return { status, body: { detail: text } };
}

/** What an exception in the broker's Python becomes. */
export const CRASH: BrokerAnswer = { status: 500, body: "Internal Server Error" };

/**
 * The body of a request, as FastAPI reads it: JSON only with a JSON content type (or none at all), and then only an object.
 * Anything else is a 422, in the words of pydantic 1 (the captured ones) or 2 (which repeat what was sent).
 */
export function readBody(
  text: string,
  contentType: string | undefined,
  rules: { readonly isOptional: boolean; readonly pydantic: 1 | 2 },
): ReadBody | BrokerAnswer {
  const missing = () => (rules.isOptional ? { value: undefined } : invalid(MISSING[rules.pydantic]));
  if (text === "") return missing();
  if (contentType !== undefined && !/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) {
    return notAnObject(text, rules.pydantic);
  }
  const parsed = parse(text);
  if ("position" in parsed) return notJson(text, parsed.position, rules.pydantic);
  const { value } = parsed;
  if (value === null) return missing();
  const object = objectOf(value);
  return object === undefined ? notAnObject(value, rules.pydantic) : { value: object };
}

/** Machine and agent, or undefined where one of them is blank. */
export function ownerOf(
  body: Readonly<Record<string, unknown>>,
): { readonly machineId: string; readonly agentId: string } | undefined {
  const [machineId, agentId] = [textOf(body["machine_id"]), textOf(body["agent_id"])];
  return machineId === "" || agentId === "" ? undefined : { machineId, agentId };
}

const MISSING = {
  1: { loc: ["body"], msg: "field required", type: "value_error.missing" },
  2: { type: "missing", loc: ["body"], msg: "Field required", input: null },
};

function invalid(error: Readonly<Record<string, unknown>>): BrokerAnswer {
  return { status: 422, body: { detail: [error] } };
}

function notAnObject(input: unknown, pydantic: 1 | 2): BrokerAnswer {
  return invalid(
    pydantic === 1
      ? { loc: ["body"], msg: "value is not a valid dict", type: "type_error.dict" }
      : { type: "dict_type", loc: ["body"], msg: "Input should be a valid dictionary", input },
  );
}

function notJson(doc: string, position: number, pydantic: 1 | 2): BrokerAnswer {
  const msg = /\{\s*$/.test(doc.slice(0, position))
    ? "Expecting property name enclosed in double quotes"
    : "Expecting value";
  if (pydantic === 2) {
    const loc = ["body", position];
    return invalid({ type: "json_invalid", loc, msg: "JSON decode error", input: {}, ctx: { error: msg } });
  }
  const before = doc.slice(0, position).split("\n");
  const [lineno, colno] = [before.length, (before.at(-1) ?? "").length + 1];
  return invalid({
    loc: ["body", position],
    msg: `${msg}: line ${lineno} column ${colno} (char ${position})`,
    type: "value_error.jsondecode",
    ctx: { msg, doc, pos: position, lineno, colno },
  });
}

function parse(text: string): { readonly value: unknown } | { readonly position: number } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const found = /at position (\d+)/.exec(error instanceof Error ? error.message : "");
    return { position: Number(found?.[1] ?? text.length) };
  }
}
