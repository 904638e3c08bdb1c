// A store that only shows: what the plugin inside the gateway has published, for programs that cannot read OpenClaw's database.

import { CodexAuthError } from "../errors.ts";
import type { CredentialFacts } from "./credential-facts.ts";
import { namedIn, normalizeAgentId } from "./openclaw-config.ts";
import type { SharedToken } from "./owners.ts";
import { OPENAI_PROVIDER, profileIdFor } from "./profile.ts";
import { readPublished, type Published } from "./published.ts";
import type { SessionPin } from "./session-pins.ts";
import type { AgentSummary, ProfileStore, StoreSnapshot } from "./store.ts";

/** Where {@link PublishedStore} reads. */
export interface PublishedStoreOptions {
  readonly path: string;
  /** OpenClaw's openclaw.json. */
  readonly configPath: string;
}

/** {@link ProfileStore} that shows what the plugin has published; every change is the plugin's to make. */
export class PublishedStore implements ProfileStore {
  readonly provider = OPENAI_PROVIDER;
  readonly #options: PublishedStoreOptions;

  constructor(options: PublishedStoreOptions) {
    this.#options = options;
  }

  async agents(): Promise<readonly AgentSummary[]> {
    const { agents } = await this.#published();
    return agents.map(({ agentId, isMain, hasStore }) => ({ agentId, isMain, hasStore }));
  }

  async read(agentId?: string): Promise<StoreSnapshot> {
    const { writtenAt, provider } = await this.#published();
    const { snapshot, problem } = await this.#agent(agentId);
    if (snapshot === undefined) throw unreadable(problem);
    return { ...snapshot, storeOrder: snapshot.storeOrder, provider, seenAtMs: writtenAt };
  }

  async describe(profileId: string, agentId?: string): Promise<CredentialFacts | undefined> {
    const { credentials } = await this.#agent(agentId);
    const id = profileIdFor(this.provider, profileId);
    return Object.hasOwn(credentials, id) ? credentials[id] : undefined;
  }

  /** The chats of an agent that were bound to a profile. */
  async pins(agentId: string): Promise<readonly SessionPin[]> {
    return (await this.#agent(agentId)).pins;
  }

  async namedInConfig(profileId: string): Promise<readonly string[]> {
    return await namedIn(this.#options.configPath, profileIdFor(this.provider, profileId));
  }

  /** Those that the plugin has seen; it knows the Codex CLI's login itself. */
  async sharedTokens(): Promise<readonly SharedToken[]> {
    return (await this.#published()).sharedTokens;
  }

  readCredential(): Promise<never> {
    return Promise.reject(notHere("Tokens are read by the plugin inside the gateway alone."));
  }

  plan(): Promise<never> {
    return Promise.reject(
      notHere("Changes are made by the plugin inside the gateway: they go to it through the queue."),
    );
  }

  apply(): Promise<never> {
    return this.plan();
  }

  undo(): Promise<never> {
    return this.plan();
  }

  check(): Promise<never> {
    return this.plan();
  }

  async #agent(agentId = "main"): Promise<Published["agents"][number]> {
    const { agents } = await this.#published();
    const found = agents.find((agent) => agent.agentId === normalizeAgentId(agentId));
    if (found !== undefined) return found;
    throw new CodexAuthError("ERR_AGENT_UNKNOWN", {
      message: "OpenClaw has no agent of that name.",
      next: `Use one of: ${agents
        .map((agent) => agent.agentId)
        .slice(0, 10)
        .join(", ")}.`,
    });
  }

  async #published(): Promise<Published> {
    const published = await readPublished(this.#options.path);
    if (published !== undefined) return published;
    throw notHere("The plugin inside the gateway has not told yet which profiles there are.");
  }
}

function notHere(message: string): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
    message,
    next: "Check that the gateway runs with the codex-auth plugin (`openclaw plugins list`), then try again there.",
  });
}

function unreadable(problem: string | undefined): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CORRUPT", {
    message: `The plugin could not read the store of that agent${problem === undefined ? "" : ` (${problem})`}.`,
    next: "Look at the gateway's log; run `codex-auth-skill doctor`.",
  });
}
