// The instance of the plugin that is at work in this process: 2026.9.6 loads its modules twice, and tells usage to the other one.

/** Counts what OpenClaw tells of one model call. */
export type CountUsage = (event: unknown, context: unknown) => Promise<void>;

/** Module variables are not shared between the two (docs/openclaw-generations.md, e); this is. */
const KEY = Symbol.for("codex-auth: the plugin at work in this process");

/** Makes `count` the one that every instance in this process finds; gives what takes it away again. */
export function announceAtWork(count: CountUsage): () => void {
  Reflect.set(globalThis, KEY, count);
  return () => {
    if (Reflect.get(globalThis, KEY) === count) Reflect.deleteProperty(globalThis, KEY);
  };
}

/** The counter of the instance at work; undefined where none is, as in OpenClaw's command line. */
export function counterAtWork(): CountUsage | undefined {
  const found: unknown = Reflect.get(globalThis, KEY);
  return isCounter(found) ? found : undefined;
}

function isCounter(value: unknown): value is CountUsage {
  return typeof value === "function";
}
