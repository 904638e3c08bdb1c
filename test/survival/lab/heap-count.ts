// How many objects of each kind a heap snapshot holds. Bytes alone do not tell a small leak from what V8 compiles; a count does.

import { readFileSync, rmSync } from "node:fs";

interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly unknown[] };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Objects and closures by name, from the snapshot at `path`, which goes. */
export function countObjects(path: string): ReadonlyMap<string, number> {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(path, "utf8")) as Snapshot;
  rmSync(path);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [kind, name] = [fields.indexOf("type"), fields.indexOf("name")];
  const kinds = types[kind] as readonly string[];
  const counts = new Map<string, number>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const what = kinds[nodes[at + kind] ?? 0];
    if (what !== "object" && what !== "closure" && what !== "native") continue;
    const key = `${what} ${strings[nodes[at + name] ?? 0]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** What there is more of at the end than before, by `least` and more. */
export function grown(
  before: ReadonlyMap<string, number>,
  end: ReadonlyMap<string, number>,
  least: number,
): readonly string[] {
  return [...end].flatMap(([key, count]) => {
    const more = count - (before.get(key) ?? 0);
    return more >= least ? [`${more} more of ${key}`] : [];
  });
}
