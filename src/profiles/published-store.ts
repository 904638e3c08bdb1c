// A store that only shows: what the plugin inside the gateway has published, for programs that cannot read OpenClaw's database.

import { CodexAuthError } from "../errors.ts";
import type { CredentialFacts } from "./credential-facts.ts";
import { namedIn, normalizeAgentId } from "./openclaw-config.ts";
import { holdersIn, planFromOutline } from "./outline.ts";
import { printedHolder, sharedAmong, type SharedToken, type TokenHolder } from "./owners.ts";
import { OPENAI_PROVIDER, profileIdFor } from "./profile-id.ts";
import { readPublished, type Published } from "./published.ts";
import type { SessionPin } from "./session-pins.ts";
import type { AgentSummary, PlannedChange, ProfileStore, StoreChange, StoreSnapshot } from "./store.ts";

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
  async pins(agentId: string): Promise<readonly SessionPin[] | undefined> {
    return (await this.#agent(agentId)).pins;
  }

  async namedInConfig(profileId: string): Promise<readonly string[]> {
    return await namedIn(this.#options.configPath, profileIdFor(this.provider, profileId));
  }

  async sharedTokens(elsewhere: readonly TokenHolder[] = []): Promise<readonly SharedToken[]> {
    const { outline } = await this.#published();
    if (outline === undefined) throw notHere("The plugin could not tell whose refresh tokens lie in OpenClaw.");
    return sharedAmong([...holdersIn(outline), ...elsewhere.map(printedHolder)]);
  }

  /** What the plugin would do, for a preview: it plans itself, by what is there then. */
  async plan(change: StoreChange, agentId = "main"): Promise<PlannedChange> {
    const { outline, provider } = await this.#published();
    if (outline === undefined || change.credential != null) return this.#refuse();
    const { agentId: name, snapshot, problem } = await this.#agent(agentId);
    if (snapshot === undefined) throw unreadable(problem);
    return planFromOutline(outline, change, { agentId: name, provider });
  }

  readCredential(): Promise<never> {
    return Promise.reject(notHere("Tokens are read by the plugin inside the gateway alone."));
  }

  apply(): Promise<never> {
    return this.#refuse();
  }

  undo(): Promise<never> {
    return this.#refuse();
  }

  check(): Promise<never> {
    return this.#refuse();
  }

  #refuse(): Promise<never> {
    return Promise.reject(
      notHere("Changes are made by the plugin inside the gateway: they go to it through the queue."),
    );
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
    throw notTold();
  }
}

function notHere(message: string): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
    message,
    next: "Ask for it in OpenClaw's own chat, where the plugin answers. `openclaw plugins list` shows whether it is there.",
  });
}

/** What there is to do about a database without our plugin: what OpenClaw itself takes then is said, and never run by us. */
export const WITHOUT_PLUGIN =
  "Install the plugin and start the gateway. Without it OpenClaw takes an access token alone, which it does not renew: " +
  `\`openclaw models auth paste-token --provider ${OPENAI_PROVIDER} --profile-id ${OPENAI_PROVIDER}:<name>\` reads it from its stdin.`;

/** No plugin, or one that has never run. */
function notTold(): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
    message:
      "This OpenClaw keeps its logins in a database (2026.6 and later), which nobody outside of it may write, and no codex-auth plugin in it has told what is there.",
    next: WITHOUT_PLUGIN,
  });
}

function unreadable(problem: string | undefined): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CORRUPT", {
    message: `The plugin could not read the store of that agent${problem === undefined ? "" : ` (${problem})`}.`,
    next: "Look at the gateway's log; run `codex-auth-skill doctor`.",
  });
}
