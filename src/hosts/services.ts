// What hosts outside the gateway are composed of: the domains on this machine's OpenClaw, and the chat on top of them.

import { join } from "node:path";
import type { OpenClawPaths } from "../config/paths.ts";
import { createGateway, type GatewayOptions, type IdentifyingGateway } from "../gateway/gateway.ts";
import { detectGeneration, signPaths, type Generation } from "../gateway/generation.ts";
import { JsonProfileStore } from "../profiles/json-store.ts";
import { OutsideStore, type ToldByFiles } from "../profiles/outside-store.ts";
import { PublishedStore } from "../profiles/published-store.ts";
import { assembleParts, type Parts, type PartsOptions } from "./parts.ts";
import { leftToPlugin } from "./plugin-first.ts";

export { approversNow, approversOf, buildChatServices, mayAsk, mayStill, type ChatOptions } from "./chat-services.ts";
export type { Parts, PartsOptions } from "./parts.ts";

/** What {@link buildParts} is told besides. */
export interface OutsideOptions extends PartsOptions {
  /** How long a restart may take. Default: what a real gateway needs. */
  readonly limits?: GatewayOptions["limits"];
}

/**
 * The domains for the OpenClaw that `environment` points to.
 *
 * @throws CodexAuthError `ERR_ISSUER_FORBIDDEN`.
 */
export function buildParts({ limits = {}, ...options }: OutsideOptions): Parts {
  const launch = async (parts: Parts): Promise<void> => {
    if ((await leftToPlugin(parts)) === undefined) await options.launch(parts);
  };
  return assembleParts({ ...options, launch }, ({ openClaw, own, now, environment, config, home }) => {
    const gateway = createGateway({
      paths: openClaw,
      tmp: environment.tmp,
      uid: environment.uid,
      environment: environment.openclaw,
      restartCommand: config.restartCommand,
      limits,
    });
    const generation = (): Promise<Generation> => generationOf(openClaw, gateway);
    const files = new JsonProfileStore({ paths: openClaw, home, generation, corruptFolder: own.corrupt, now });
    const { configPath } = openClaw;
    const published = new PublishedStore({ path: join(own.root, "published.json"), configPath });
    const store = new OutsideStore({ files, published, generation, byFiles: () => byFiles(openClaw), now });
    return { store, gateway, generation };
  });
}

/** The generation where the files tell it: what a running gateway says may change without them. */
async function byFiles(openClaw: OpenClawPaths): Promise<ToldByFiles | undefined> {
  const { generation } = await detectGeneration(openClaw);
  return generation === "unknown" ? undefined : { generation, paths: signPaths(openClaw) };
}

/** The generation by the files; where they do not say (a fresh install), by the version that the running gateway names. */
async function generationOf(openClaw: OpenClawPaths, gateway: IdentifyingGateway): Promise<Generation> {
  const { generation } = await detectGeneration(openClaw);
  if (generation !== "unknown") return generation;
  const location = await gateway.locate();
  if (location.kind !== "running") return generation;
  const { version } = await gateway.identify(location.instance).catch(() => location.instance);
  return (await detectGeneration({ ...openClaw, runningVersion: version })).generation;
}
