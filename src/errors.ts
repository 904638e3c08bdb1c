// The one error of this project: a code to decide on, a sentence for the person, and what to do next.

/** Codes of a call that was wrong in itself: nothing was tried. */
type UsageCode =
  | "ERR_USAGE"
  | "ERR_UNKNOWN_COMMAND"
  | "ERR_SELECTOR_INVALID"
  | "ERR_PROVIDER_OUT_OF_SCOPE"
  | "ERR_PROFILE_UNKNOWN"
  | "ERR_PROFILE_EXISTS"
  | "ERR_PROFILE_MANAGED"
  | "ERR_AGENT_UNKNOWN"
  | "ERR_LIST_EXPIRED"
  | "ERR_CALLBACK_ON_ARGV"
  | "ERR_NOT_ALLOWED"
  | "ERR_PRIVATE_CHAT_ONLY"
  | "ERR_CONFIRMATION_NEEDED"
  | "ERR_BUTTON_STALE"
  | "ERR_BUTTON_FOREIGN";

/** Codes of our own configuration and surroundings. */
type SetupCode =
  | "ERR_CONFIG_INVALID"
  | "ERR_OPENCLAW_NOT_FOUND"
  | "ERR_GENERATION_UNSUPPORTED"
  | "ERR_GENERATION_UNKNOWN"
  | "ERR_TELEGRAM_TOKEN"
  | "ERR_TELEGRAM_CONFLICT"
  | "ERR_TELEGRAM_UNREACHABLE"
  | "ERR_CHECK_FAILED";

/** Codes of files and locks. */
type StorageCode =
  | "ERR_FILE_UNREADABLE"
  | "ERR_FILE_UNWRITABLE"
  | "ERR_FILE_NOT_JSON"
  | "ERR_FILE_SHAPE"
  | "ERR_FILE_TOO_LARGE"
  | "ERR_DISK_FULL"
  | "ERR_LOCK_TIMEOUT"
  | "ERR_LOCK_LOST"
  | "ERR_LOCK_BLOCKED"
  | "ERR_CANCELLED";

/** Codes of a Codex sign-in. */
type OAuthCode =
  | "ERR_LOGIN_NOT_PENDING"
  | "ERR_LOGIN_EXPIRED"
  | "ERR_LOGIN_BURNT"
  | "ERR_LOGIN_FOREIGN"
  | "ERR_CALLBACK_MALFORMED"
  | "ERR_CALLBACK_BARE_CODE"
  | "ERR_CALLBACK_STATE"
  | "ERR_CALLBACK_DENIED"
  | "ERR_TOKEN_ENDPOINT"
  | "ERR_TOKEN_UNREACHABLE"
  | "ERR_TOKEN_RESPONSE"
  | "ERR_TOKEN_CLAIMS"
  | "ERR_TOKEN_SHARED"
  | "ERR_TOKEN_SPENT"
  | "ERR_RENEWAL_NONE"
  | "ERR_RENEWAL_DEAD"
  | "ERR_RENEWAL_REFUSED"
  | "ERR_RENEWAL_UNKNOWN"
  | "ERR_RENEWAL_UNSAFE"
  | "ERR_RENEWAL_OVERTAKEN"
  | "ERR_RENEWAL_OTHER_ACCOUNT"
  | "ERR_DEVICE_NOT_ENABLED"
  | "ERR_DEVICE_UNAVAILABLE"
  | "ERR_DEVICE_REFUSED"
  | "ERR_DEVICE_RESPONSE"
  | "ERR_REVOKE_NO_TOKEN"
  | "ERR_REVOKE_SHARED"
  | "ERR_REVOKE_UNCHECKED"
  | "ERR_REVOKE_REFUSED"
  | "ERR_REVOKE_UNKNOWN"
  | "ERR_REVOKE_UNREACHABLE"
  | "ERR_ISSUER_FORBIDDEN";

/** Codes of the profile store. */
type StoreCode =
  | "ERR_STORE_MISSING"
  | "ERR_STORE_CORRUPT"
  | "ERR_STORE_CONFLICT"
  | "ERR_STORE_DRIFT"
  | "ERR_STORE_LEGACY"
  | "ERR_STORE_LINKED";

/** Codes of taking a login over from the Codex CLI, and of handing one to it. */
type CodexCliCode =
  | "ERR_CODEX_LOGIN_MISSING"
  | "ERR_CODEX_LOGIN_KIND"
  | "ERR_CODEX_LOGIN_LEASED"
  | "ERR_EXPORT_NO_ID_TOKEN"
  | "ERR_EXPORT_FILE_TAKEN"
  | "ERR_EXPORT_FILE_NEWER";

/** Codes of the gateway. */
type GatewayCode =
  | "ERR_GATEWAY_STOPPED"
  | "ERR_GATEWAY_DISAGREES"
  | "ERR_GATEWAY_UNREACHABLE"
  | "ERR_GATEWAY_STARTING"
  | "ERR_GATEWAY_RPC"
  | "ERR_GATEWAY_AUTH"
  | "ERR_GATEWAY_UNHEALTHY"
  | "ERR_RESTART_IMPOSSIBLE"
  | "ERR_RESTART_REFUSED"
  | "ERR_RESTART_NOT_SEEN"
  | "ERR_RELOAD_NOT_SEEN";

/** Codes of the apply queue. */
type ApplyCode =
  | "ERR_JOB_UNKNOWN"
  | "ERR_RECEIPT_UNKNOWN"
  | "ERR_UNDO_IMPOSSIBLE"
  | "ERR_JOB_NOT_CANCELLABLE"
  | "ERR_JOB_SECRET_MISSING"
  | "ERR_EXECUTOR_FENCED"
  | "ERR_PARKED_UNKNOWN"
  | "ERR_IDENTITY_CHANGED"
  | "ERR_PERMISSION_UNKNOWN";

/** Codes of the lease broker and of this machine's lease. */
type LeaseCode =
  | "ERR_BROKER_NOT_SET"
  | "ERR_BROKER_UNREACHABLE"
  | "ERR_BROKER_AUTH"
  | "ERR_BROKER_BUSY"
  | "ERR_BROKER_RESPONSE"
  | "ERR_BROKER_REQUEST"
  | "ERR_LEASE_NONE"
  | "ERR_LEASE_NOT_FOUND"
  | "ERR_LEASE_NOT_OWNED"
  | "ERR_LEASE_STATE"
  | "ERR_LEASE_CREDENTIAL_UNUSABLE"
  | "ERR_LEASE_NO_CREDENTIAL"
  | "ERR_LEASE_NO_MATERIAL"
  | "ERR_LEASE_MATERIAL_EXPIRED"
  | "ERR_LEASE_ROTATION_DISABLED"
  | "ERR_LEASE_OTHER_AGENT"
  | "ERR_LEASE_PROFILE_TAKEN"
  | "ERR_LEASE_FILE_TAKEN";

/** Codes of usage checks. */
type UsageCheckCode = "ERR_USAGE_UNAVAILABLE";

/** Every code that this project throws; `switch` over it narrows. */
export type ErrorCode =
  | UsageCode
  | SetupCode
  | StorageCode
  | OAuthCode
  | StoreCode
  | CodexCliCode
  | GatewayCode
  | ApplyCode
  | LeaseCode
  | UsageCheckCode
  | "ERR_INTERNAL";

/** What a {@link CodexAuthError} is made of. */
export interface ErrorParts {
  /** One sentence of cause for a person, without a secret, a path of another user or text from outside that was not cleaned. */
  readonly message: string;
  /** One sentence that says what the person should do now. */
  readonly next: string;
  /** Whether the same call may succeed later without a change. Default `false`. */
  readonly retryable?: boolean;
  /** What was caught; kept for the operator's log, never shown in a chat. */
  readonly cause?: unknown;
}

/** The one error class: branch on {@link code}, show {@link message} and {@link next}. */
export class CodexAuthError extends Error {
  override readonly name = "CodexAuthError";
  readonly code: ErrorCode;
  readonly next: string;
  readonly retryable: boolean;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(parts.message);
    this.code = code;
    this.next = parts.next;
    this.retryable = parts.retryable ?? false;
    // Not enumerable: an error that is logged as an object must not dump a cause that may quote a request.
    if (parts.cause !== undefined) Object.defineProperty(this, "cause", { value: parts.cause, enumerable: false });
  }
}

/** True where `error` is ours, with one of `codes` if any are given. */
export function isCodexAuthError(error: unknown, ...codes: readonly ErrorCode[]): error is CodexAuthError {
  return error instanceof CodexAuthError && (codes.length === 0 || codes.includes(error.code));
}

/** Ours as it is; anything else as `ERR_INTERNAL` with the original as its cause. */
export function toCodexAuthError(error: unknown): CodexAuthError {
  if (error instanceof CodexAuthError) return error;
  return new CodexAuthError("ERR_INTERNAL", {
    message: "Something went wrong that this program did not expect.",
    next: "Run `codex-auth-skill doctor`; if it repeats, report it with the log of that moment.",
    cause: error,
  });
}

/** The `code` of a Node.js system error (`ENOENT` …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
