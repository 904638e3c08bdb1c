// OpenClaw as a plugin meets it, in memory: registrations, commands, presses and sending as they were measured on real gateways
// (facts/openclaw-json-generation.md §5, openclaw-sqlite-generation.md §4, docs/openclaw-generations.md).
import type {
  CommandContext,
  PluginApi,
  PluginRuntime,
  PluginService,
  ReplyPayload,
} from "../../src/hosts/openclaw/api.ts";
import { FakeOpenClawChats, textOf, type ShownMessage } from "./fake-openclaw-chats.ts";
import { FakeSending } from "./fake-openclaw-sending.ts";
import { FakeTables } from "./fake-openclaw-tables.ts";

/** How a {@link FakeOpenClaw} is. */
export interface FakeOpenClawOptions {
  readonly version?: string;
  /** openclaw.json, as the running gateway has it. */
  readonly settings: Record<string, unknown>;
  /** Ids that the channel lets in. Default: all that tests use. */
  readonly allowFrom?: readonly string[];
  /** Whether a plugin can send messages by itself. Default true. */
  readonly canSend?: boolean;
}

type Hook = (event: unknown, context: unknown) => unknown;

/** One gateway with a Telegram bot. */
export class FakeOpenClaw extends FakeSending {
  readonly version: string;
  settings: Record<string, unknown>;
  canSend: boolean;
  /** Commands that a skill of the same name has taken: they come as plain messages (docs, a). */
  shadowed: readonly string[] = [];
  /** What came through to the model. */
  readonly modelHeard: string[] = [];
  readonly diagnostics: string[] = [];
  readonly logged: string[] = [];
  /** Messages that OpenClaw dropped. */
  readonly dropped: string[] = [];
  readonly hooks: { readonly name: string; readonly hook: Hook }[] = [];
  readonly cli: string[] = [];
  readonly #allowFrom: readonly string[] | undefined;
  readonly #chats: FakeOpenClawChats;
  /** What plugins have registered. */
  readonly tables = new FakeTables();
  readonly #services = new Map<string, PluginService>();
  /** Chats in which a hook is at work. */
  readonly #busy = new Set<string>();
  /** The id of what a person wrote last. */
  lastMessageId = 0;

  constructor(options: FakeOpenClawOptions) {
    super();
    this.version = options.version ?? "2026.4.5";
    this.#chats = new FakeOpenClawChats(this.#isSqlite);
    this.settings = options.settings;
    this.canSend = options.canSend ?? true;
    this.#allowFrom = options.allowFrom;
  }

  /** Registers a plugin as a gateway does: three times, on the same module, each time with another API object (§5). */
  load(plugin: { register(api: PluginApi): void }, times = 3): void {
    for (let time = 0; time < times; time += 1) plugin.register(this.#api());
  }

  async startServices(): Promise<void> {
    for (const service of this.#services.values())
      await service.start({ logger: { error: (line) => void this.logged.push(line) } });
  }

  async stopServices(): Promise<void> {
    for (const service of this.#services.values()) await service.stop({});
  }

  get commandNames(): readonly string[] {
    return [...this.tables.commands.keys()];
  }

  get namespaces(): readonly string[] {
    return [...this.tables.handlers.keys()];
  }

  /** The messages of a chat, oldest first. */
  chat(id: string): readonly ShownMessage[] {
    return this.#chats.of(id);
  }

  /** Texts that Telegram refused: OpenClaw shows nothing then. */
  get refused(): readonly string[] {
    return this.#chats.refused;
  }

  /** Telegram refuses what is written below a press. */
  set isDeaf(isDeaf: boolean) {
    this.#chats.isDeaf = isDeaf;
  }

  /** Everything that was ever shown anywhere, as it is now. */
  get everything(): string {
    return this.#chats.everything;
  }

  /** Somebody types into a chat; in a private chat its id is theirs. */
  async types(
    personId: string,
    text: string,
    chatId = personId,
    channel = "telegram",
    sessionKey = `agent:main:${chatId === personId ? "main" : `${channel}:group:${chatId}`}`,
  ): Promise<void> {
    if (channel === "telegram" && this.#allowFrom?.includes(personId) === false) {
      this.#chats.show(chatId, { text: "You are not authorized to use this command." });
      return;
    }
    const [, name = "", args] = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(text) ?? [];
    const command = this.tables.commands.get(name);
    this.lastMessageId = this.#chats.nextId();
    if (command === undefined || this.shadowed.includes(name)) {
      await this.#toModel(personId, chatId, text, {
        messageId: this.lastMessageId,
        isSkill: command !== undefined,
        sessionKey,
      });
      return;
    }
    // From 2026.9 on scopes are asked for; before, they are overlooked (docs, a).
    if (this.#isSqlite && (command.requiredScopes ?? []).length > 0 && !this.#isOwner(channel, personId)) {
      this.#chats.show(chatId, { text: `⚠️ This command requires gateway scope: ${String(command.requiredScopes)}.` });
      return;
    }
    const isGroup = chatId !== personId;
    const context: CommandContext = {
      senderId: personId,
      channel,
      args,
      accountId: "default",
      from: isGroup ? `${channel}:group:${chatId}` : `${channel}:${personId}`,
      to: `${channel}:${chatId}`,
      sessionKey,
    };
    let payload: ReplyPayload;
    try {
      payload = await command.handler(context);
    } catch {
      payload = { text: "⚠️ Command failed. Please try again later." };
    }
    this.#chats.show(chatId, payload);
  }

  /** Presses the button whose label holds `label` under the newest message of a chat that has it. */
  async presses(personId: string, label: string, chatId = personId): Promise<void> {
    const message = this.chat(chatId).findLast(({ buttons }) =>
      buttons.flat().some(({ text }) => text.includes(label)),
    );
    const button = message?.buttons.flat().find(({ text }) => text.includes(label));
    if (message === undefined || button === undefined)
      throw new Error(`no button "${label}" in: ${this.chat(chatId).map(textOf).join(" / ")}`);
    await this.pressesData(personId, button.callback_data, message, chatId);
  }

  /** Presses something with `data`, whether or not it is shown. */
  async pressesData(personId: string, data: string, message: ShownMessage, chatId = personId): Promise<void> {
    // Routed by the exact text before the first ":" (§5).
    const registration = this.tables.handlers.get(data.slice(0, data.indexOf(":")));
    if (registration === undefined) {
      // Bare to 2026.5, then with a word before it (docs, d).
      const said = this.#isSqlite ? `callback_data: ${data}` : data;
      const sessionKey = `agent:main:${chatId === personId ? "main" : `telegram:group:${chatId}`}`;
      await this.#toModel(personId, chatId, said, { messageId: message.id, isSkill: false, sessionKey });
      return;
    }
    const result = await registration.handler({
      senderId: personId,
      accountId: "default",
      conversationId: chatId,
      isGroup: chatId !== personId,
      callback: { data, messageId: message.id, chatId },
      respond: this.#chats.responder(message, chatId),
    });
    if (!result.handled) this.modelHeard.push(data);
  }

  /** A turn of the model, from after that loss on. */
  async turnsToModel(): Promise<void> {
    for (const { name, hook } of this.hooks) if (name === "before_prompt_build") await hook({}, {});
  }

  #api(): PluginApi {
    return {
      config: this.settings,
      runtime: this.#runtime(),
      registerCommand: (command) => {
        if (!/^[a-z0-9_]{1,32}$/.test(command.name)) throw new Error(`name ${command.name}`);
        this.tables.commands.set(command.name, command);
      },
      registerInteractiveHandler: (registration) => {
        if (!/^[A-Za-z0-9._-]+$/.test(registration.namespace)) throw new Error(`namespace ${registration.namespace}`);
        if (this.tables.handlers.has(registration.namespace)) this.diagnostics.push(registration.namespace);
        else this.tables.handlers.set(registration.namespace, registration);
      },
      registerService: (service) => {
        if (!this.#services.has(service.id)) this.#services.set(service.id, service);
      },
      registerCli: (_registrar, { descriptors }) => void this.cli.push(...descriptors.map(({ name }) => name)),
      on: (name, hook) => {
        // Each hook of a plugin fires once, however often it was registered (§5).
        if (!this.hooks.some((one) => one.name === name)) this.hooks.push({ name, hook });
      },
    };
  }

  #runtime(): PluginRuntime {
    const send = (to: string, payload: ReplyPayload): Promise<void> =>
      this.passOn(payload, () => this.#chats.show(to, payload));
    return {
      version: this.version,
      config: this.#isSqlite ? { current: () => this.settings } : { loadConfig: () => this.settings },
      channel: {
        outbound: {
          loadAdapter: async (channel) =>
            this.canSend && channel === "telegram"
              ? { sendPayload: ({ to, payload }) => send(to, payload) }
              : undefined,
        },
      },
    };
  }

  /** The hooks of a plain message, in the order seen: `message_received`, then `before_dispatch` (docs, d). */
  async #toModel(
    personId: string,
    chatId: string,
    content: string,
    {
      messageId,
      isSkill,
      sessionKey,
    }: { readonly messageId: number; readonly isSkill: boolean; readonly sessionKey: string },
  ): Promise<void> {
    // To 2026.5 a skill's command comes from a conversation of its sender's own, also out of a group (docs, a).
    const conversationId = isSkill && !this.#isSqlite ? `slash:${personId}` : chatId;
    const context = { channelId: "telegram", accountId: "default", conversationId, sessionKey };
    const from = `telegram:${chatId}`;
    // Where the message's id stands is different in each version.
    const received = this.#is("2026.4") ? { metadata: { messageId } } : { messageId: String(messageId) };
    for (const { name, hook } of this.hooks)
      if (name === "message_received") await hook({ from, content, ...received }, context);
    // 2026.9 ends the turn of the message before, and this one goes with it while a hook of that is at work (docs, d).
    if (this.#isSqlite && this.#busy.has(chatId)) {
      this.dropped.push(content);
      return;
    }
    this.#busy.add(chatId);
    try {
      await this.#dispatched(personId, chatId, content, { messageId, sessionKey, context });
    } finally {
      this.#busy.delete(chatId);
    }
  }

  async #dispatched(
    personId: string,
    chatId: string,
    content: string,
    said: { readonly messageId: number; readonly sessionKey: string; readonly context: object },
  ): Promise<void> {
    const { messageId, sessionKey, context } = said;
    for (const { name, hook } of this.hooks) {
      if (name !== "before_dispatch") continue;
      const id = this.#isSqlite ? { messageId: String(messageId) } : {};
      const event = {
        content,
        channel: "telegram",
        senderId: personId,
        isGroup: chatId !== personId,
        sessionKey,
        ...id,
      };
      const result = await hook(event, context);
      if (typeof result === "object" && result !== null && "handled" in result && result.handled === true) {
        if ("text" in result && typeof result.text === "string") this.#chats.show(chatId, { text: result.text });
        return;
      }
    }
    this.modelHeard.push(content);
  }

  #isOwner(channel: string, personId: string): boolean {
    const commands = this.settings["commands"] as { ownerAllowFrom?: readonly string[] } | undefined;
    return commands?.ownerAllowFrom?.some((entry) => [personId, `${channel}:${personId}`].includes(entry)) === true;
  }

  #is(prefix: string): boolean {
    return this.version.startsWith(`${prefix}.`);
  }

  get #isSqlite(): boolean {
    return Number(this.version.split(".")[1]) >= 6;
  }
}
