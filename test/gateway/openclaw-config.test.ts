// The gateway's part of openclaw.json: JSON5, odd values, and tokens that are kept elsewhere.

import { writeFile } from "node:fs/promises";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  configuredPort,
  credentialFor,
  judgeGatewayConfig,
  readGatewayConfig,
} from "../../src/gateway/openclaw-config.ts";
import { gatewayHome } from "./gateway-lab.ts";

const exposed = (config: unknown, environmentToken?: string): unknown => {
  const credential = credentialFor(judgeGatewayConfig(config), environmentToken);
  return credential.kind === "none" ? "none" : [credential.kind, credential.secret.expose()];
};

test("JSON5 is read, a missing file is empty, and the token does not print", async () => {
  const { configPath, stateDir } = await gatewayHome();
  await writeFile(
    configPath,
    "{ gateway: { port: 5, auth: { token: 'the-token' } }, // here\n commands: { restart: false }, }",
  );
  const config = await readGatewayConfig(configPath);
  expect(config).toMatchObject({ port: 5, restartAllowed: false });
  expect(inspect(config, { depth: 9 })).not.toContain("the-token");
  expect(JSON.stringify(config)).not.toContain("the-token");
  const none = { port: undefined, credential: undefined, restartAllowed: true, lastTouchedVersion: undefined };
  expect(await readGatewayConfig(`${stateDir}/none.json`)).toEqual(none);
});

test("a file that is not JSON5 is an error that does not quote it", async () => {
  const { configPath } = await gatewayHome();
  await writeFile(configPath, "{ gateway: { auth: { token: the-token } } }");
  const attempt = readGatewayConfig(configPath);
  await expect(attempt).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
  await expect(attempt).rejects.not.toThrow(/the-token/);
});

describe("the port", () => {
  test.each([
    [7, 7, undefined],
    [8, 7, "8"],
    [8, 7, "127.0.0.1:8"],
    [7, 7, "nonsense"],
    [18_789, undefined, undefined],
    [18_789, 70_000, undefined],
    [18_789, "7", ""],
  ])("%d from openclaw.json %j and the environment %j", (expected, port, environment) => {
    expect(configuredPort(judgeGatewayConfig({ gateway: { port } }), environment)).toBe(expected);
  });
});

describe("the credential", () => {
  test("of the file, else of the environment", () => {
    expect(exposed({ gateway: { auth: { token: "a" } } }, "b")).toEqual(["token", "a"]);
    expect(exposed({ gateway: { auth: { mode: "password", password: "p", token: "a" } } })).toEqual(["password", "p"]);
    expect(exposed({ gateway: { auth: { password: "p" } } })).toEqual(["password", "p"]);
    expect(exposed({ gateway: { auth: { mode: "none" } } })).toBe("none");
    expect(exposed({}, "b")).toEqual(["token", "b"]);
    expect(exposed({ gateway: { auth: { token: "${TOKEN}" } } }, "b")).toEqual(["token", "b"]);
  });

  test.each([
    [{}],
    [{ gateway: { auth: { token: "${TOKEN}" } } }],
    [{ gateway: { auth: { token: { source: "env", id: "T" } } } }],
    [[]],
    [null],
  ])("%j holds none", (config) => {
    expect(() => exposed(config)).toThrow(expect.objectContaining({ code: "ERR_GATEWAY_AUTH" }));
  });
});
