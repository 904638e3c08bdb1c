// OpenClaw's plugin API as far as this plugin uses it, over 2026.4.5, 2026.5.28 and 2026.9.6; what a version lacks is optional.

/** What {@link PluginApi.registerCommand} hands to a handler (facts/openclaw-json-generation.md §5, openclaw-sqlite-generation.md §4). */
export interface CommandContext {
  readonly senderId?: string | undefined;
  readonly channel: string;
  readonly args?: string | undefined;
  readonly accountId?: string | undefined;
  /** Where it came from, such as `telegram:4242`, or another text in a group. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Such as `agent:main:main`, or `agent:main:slack:direct:U1` where private chats have sessions of their own. */
  readonly sessionKey?: string | undefined;
}

/** A button under a message in Telegram. */
export interface TelegramButton {
  readonly text: string;
  readonly callback_data: string;
  readonly style?: "primary" | "success" | "danger";
}

/** Rows of buttons. */
export type TelegramButtons = readonly (readonly TelegramButton[])[];

/** What a command answers, and what the outbound adapter sends. */
export interface ReplyPayload {
  readonly text: string;
  readonly channelData?: { readonly telegram: { readonly buttons: TelegramButtons } };
  /** From 2026.9 on. */
  readonly presentation?: { readonly blocks: readonly PresentationBlock[] };
}

/** A row of buttons that type a command for the person. */
export interface PresentationBlock {
  readonly type: "buttons";
  readonly buttons: readonly {
    readonly label: string;
    readonly action: { readonly type: "command"; readonly command: string };
  }[];
}

/** A command of ours. */
export interface CommandDefinition {
  readonly name: string;
  readonly description: string;
  readonly acceptsArgs: boolean;
  readonly requireAuth: boolean;
  /** From 2026.9 on; earlier versions overlook it. */
  readonly requiredScopes?: readonly string[];
  readonly nativeProgressMessages?: Readonly<Record<string, string>>;
  readonly handler: (context: CommandContext) => Promise<ReplyPayload>;
}

/** What a pressed button's handler is given. */
export interface PressContext {
  readonly accountId?: string | undefined;
  readonly senderId?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly isGroup?: boolean | undefined;
  readonly callback: {
    readonly data: string;
    readonly messageId?: string | number | undefined;
    readonly chatId?: string | number | undefined;
  };
  readonly respond: PressResponder;
}

/** Ways to answer a press: texts go out as they are, without a parse mode; no buttons means that they go. */
export interface PressResponder {
  reply(message: { readonly text: string; readonly buttons?: TelegramButtons }): Promise<unknown>;
  editMessage(message: { readonly text: string; readonly buttons?: TelegramButtons }): Promise<unknown>;
}

/** One handler for all buttons whose data begins with `<namespace>:`. */
export interface InteractiveRegistration {
  readonly channel: string;
  readonly namespace: string;
  readonly handler: (context: PressContext) => Promise<{ readonly handled: true }>;
}

/** What a service is started with. */
export interface ServiceContext {
  readonly logger?: { error(message: string): void } | undefined;
}

/** Something that runs as long as the gateway does. */
export interface PluginService {
  readonly id: string;
  readonly start: (context: ServiceContext) => Promise<void>;
  readonly stop: (context: ServiceContext) => Promise<void>;
}

/** OpenClaw's way to send a message into a channel (`api.runtime.channel.outbound.loadAdapter`). */
interface OutboundAdapter {
  readonly sendPayload?: (message: OutboundMessage & { readonly payload: ReplyPayload }) => Promise<unknown>;
  readonly sendText?: (message: OutboundMessage) => Promise<unknown>;
}

/** One message for an {@link OutboundAdapter}. */
interface OutboundMessage {
  readonly cfg: unknown;
  readonly to: string;
  readonly text: string;
  readonly accountId: string;
}

/** What the gateway offers beside registrations. */
export interface PluginRuntime {
  readonly version?: string;
  readonly config?: {
    /** 2026.9. */
    readonly current?: () => unknown;
    /** 2026.4 and 2026.5. */
    readonly loadConfig?: () => unknown;
  };
  readonly channel?: {
    readonly outbound?: { readonly loadAdapter?: (channel: string) => Promise<OutboundAdapter | undefined> };
  };
  readonly agent?: {
    readonly session?: {
      /** 2026.9. */
      readonly getSessionEntry?: (which: { readonly sessionKey: string; readonly agentId?: string }) => unknown;
    };
  };
}

/** A subcommand of `openclaw` as commander knows it; only what is used of it. */
export interface CliProgram {
  command(name: string): CliProgram;
  description(text: string): CliProgram;
  action(run: () => Promise<void>): CliProgram;
}

/** The plugin API of one `register()` call. */
export interface PluginApi {
  /** What this call is for: to `cli-metadata` 2026.9 gives no runtime (looking at it throws), only the command line is asked for. */
  readonly registrationMode?: string;
  readonly config?: unknown;
  readonly runtime?: PluginRuntime;
  registerCommand(command: CommandDefinition): void;
  registerInteractiveHandler(registration: InteractiveRegistration): void;
  registerService(service: PluginService): void;
  registerCli?(
    registrar: (context: { readonly program: CliProgram }) => void,
    options: {
      readonly commands: readonly string[];
      readonly descriptors: readonly {
        readonly name: string;
        readonly description: string;
        readonly hasSubcommands: boolean;
      }[];
    },
  ): void;
  on?(
    hook: string,
    handler: (event: unknown, context: unknown) => unknown,
    options?: { readonly priority?: number },
  ): void;
}
