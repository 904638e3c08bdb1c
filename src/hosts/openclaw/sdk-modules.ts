// The modules of OpenClaw's plugin SDK that we look into, imported by their public names; what is in them is checked elsewhere.

/** The names of the modules, below `openclaw/plugin-sdk/`. */
export type SdkModuleName = "provider-auth" | "agent-runtime" | "session-store-runtime" | "config-runtime";

/** Imports one of them; what it gives is unknown data. */
export type ImportSdkModule = (name: SdkModuleName) => Promise<unknown>;

/** Imports from the OpenClaw in whose process we run: its loader finds a name only where it is spelled out. */
export const importSdkModule: ImportSdkModule = (name) => {
  switch (name) {
    case "provider-auth":
      return import("openclaw/plugin-sdk/provider-auth");
    case "agent-runtime":
      return import("openclaw/plugin-sdk/agent-runtime");
    case "session-store-runtime":
      return import("openclaw/plugin-sdk/session-store-runtime");
    case "config-runtime":
      return import("openclaw/plugin-sdk/config-runtime");
  }
};
