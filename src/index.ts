// The library's one barrel: what a program of yours may build on. Everything else is internal and may change.

export { CodexAuthError, isCodexAuthError } from "./errors.ts";
export type { ErrorCode, ErrorParts } from "./errors.ts";
export { readEnvironment } from "./config/env.ts";
export type { Environment } from "./config/env.ts";
export { loadConfig } from "./config/config.ts";
export type { Config } from "./config/config.ts";
export { createLog, silentLog } from "./secrets/log.ts";
export type { Log, LogFields } from "./secrets/log.ts";
export { ChatRouter } from "./chat/router.ts";
export type { Asker, Incoming, Outgoing } from "./chat/conversation.ts";
export type { Reply } from "./chat/reply.ts";
export { buildChatServices, buildParts } from "./hosts/services.ts";
export type { Parts, PartsOptions } from "./hosts/services.ts";
export { startTelegramBot } from "./hosts/telegram/compose.ts";
export type { TelegramHostOptions } from "./hosts/telegram/compose.ts";
export { launchWorkerFor } from "./hosts/worker/launch.ts";
export { createOpenClawAuthManagerPlugin } from "./lease/library.ts";
export type { OpenClawAuthManagerOptions, OpenClawAuthManagerPlugin, OpenClawLeaseContext } from "./lease/library.ts";
export type { FlushResult } from "./lease/flush.ts";
export type { TelemetryTotals } from "./lease/telemetry.ts";
export { VERSION } from "./version.ts";
