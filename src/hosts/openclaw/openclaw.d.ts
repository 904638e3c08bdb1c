// OpenClaw is there only where its gateway loads us, in many versions: its modules are unknown data to the compiler too.
declare module "openclaw/plugin-sdk/*" {
  const exports: Readonly<Record<string, unknown>>;
  export = exports;
}

declare module "openclaw/plugin-sdk/telegram-account" {
  export const resolveTelegramAccount: unknown;
}
