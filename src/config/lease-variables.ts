// The variables of the lease, as the Auth Manager plugin names them, and which setting each one overrides.

/** How the text of a variable becomes a setting. */
type VariableKind = "text" | "boolean" | "number";

/** Setting → its variable and kind; a setting without a variable is set in the file only. */
const LEASE_VARIABLES = {
  baseUrl: { name: "AUTH_MANAGER_BASE_URL", kind: "text" },
  brokerAddress: { name: "AUTH_MANAGER_BROKER_ADDRESS", kind: "text" },
  internalApiToken: { name: "AUTH_MANAGER_INTERNAL_API_TOKEN", kind: "text" },
  internalApiTokenFile: { name: "AUTH_MANAGER_INTERNAL_API_TOKEN_FILE", kind: "text" },
  apiKey: { name: "AUTH_MANAGER_API_KEY", kind: "text" },
  machineId: { name: "AUTH_MANAGER_MACHINE_ID", kind: "text" },
  agentId: { name: "AUTH_MANAGER_AGENT_ID", kind: "text" },
  leaseId: { name: "AUTH_MANAGER_LEASE_ID", kind: "text" },
  autoRenew: { name: "AUTH_MANAGER_AUTO_RENEW", kind: "boolean" },
  autoRotate: { name: "AUTH_MANAGER_AUTO_ROTATE", kind: "boolean" },
  releaseLeaseOnShutdown: { name: "AUTH_MANAGER_RELEASE_LEASE_ON_SHUTDOWN", kind: "boolean" },
  rotationPolicy: { name: "AUTH_MANAGER_ROTATION_POLICY", kind: "text" },
  requestedTtlSeconds: { name: "AUTH_MANAGER_REQUESTED_TTL_SECONDS", kind: "number" },
  refreshIntervalMs: { name: "AUTH_MANAGER_REFRESH_INTERVAL_MS", kind: "number" },
  flushIntervalMs: { name: "AUTH_MANAGER_TELEMETRY_INTERVAL_MS", kind: "number" },
  flushEveryRequests: { name: "AUTH_MANAGER_TELEMETRY_FLUSH_EVERY", kind: "number" },
  leaseProfileId: { name: "AUTH_MANAGER_LEASE_PROFILE_ID", kind: "text" },
  authFilePath: { name: "AUTH_MANAGER_AUTH_FILE_PATH", kind: "text" },
  writeAuthFile: { name: "AUTH_MANAGER_WRITE_AUTH_FILE", kind: "boolean" },
  reconcileAuth: { name: "AUTH_MANAGER_RECONCILE_AUTH", kind: "boolean" },
  enforceLeaseAsActiveAuth: { name: "AUTH_MANAGER_ENFORCE_LEASE_ACTIVE_AUTH", kind: "boolean" },
  allowInsecureLocalhost: { name: "AUTH_MANAGER_ALLOW_INSECURE_LOCALHOST", kind: "boolean" },
  usageExportJsonPath: { name: "AUTH_MANAGER_USAGE_EXPORT_JSON_PATH", kind: "text" },
  usageExportDays: { name: "AUTH_MANAGER_USAGE_EXPORT_DAYS", kind: "number" },
  enabled: { name: "AUTH_MANAGER_TELEMETRY_ENABLED", kind: "boolean" },
} as const satisfies Record<string, { readonly name: string; readonly kind: VariableKind }>;

/** A setting of the lease that a variable can override. */
type LeaseVariable = keyof typeof LEASE_VARIABLES;

/** The values of the variables that are set, by setting, still as text. */
export type LeaseTexts = Readonly<Partial<Record<LeaseVariable, string>>>;

/** Reads the variables of the lease by `text`, which gives a variable's value or undefined. */
export function readLeaseTexts(text: (name: string) => string | undefined): LeaseTexts {
  const texts: Partial<Record<LeaseVariable, string>> = {};
  for (const setting of settingNames()) {
    const value = text(LEASE_VARIABLES[setting].name);
    if (value !== undefined) texts[setting] = value;
  }
  return texts;
}

/** The texts as values for the settings' schema; one that is no boolean or number stays a text, which the schema then refuses by name. */
export function leaseValues(texts: LeaseTexts): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const setting of settingNames()) {
    const text = texts[setting];
    if (text !== undefined) values[setting] = valueOf(text, LEASE_VARIABLES[setting].kind);
  }
  return values;
}

/** The variable that a setting came from, where it came from one. */
export function variableOf(setting: string, texts: LeaseTexts): string | undefined {
  const name = settingNames().find((known) => known === setting);
  return name === undefined || texts[name] === undefined ? undefined : LEASE_VARIABLES[name].name;
}

function valueOf(text: string, kind: VariableKind): unknown {
  if (kind === "number") return /^-?[0-9]{1,15}(?:\.[0-9]{1,6})?$/.test(text) ? Number(text) : text;
  if (kind === "text") return text;
  const word = text.toLowerCase();
  if (["1", "true", "yes", "on"].includes(word)) return true;
  return ["0", "false", "no", "off"].includes(word) ? false : text;
}

function settingNames(): readonly LeaseVariable[] {
  // The keys of a constant of ours: nothing else can be among them.
  return Object.keys(LEASE_VARIABLES).filter((key): key is LeaseVariable => key in LEASE_VARIABLES);
}
