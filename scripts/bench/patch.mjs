// A locked patch of a store with 200 profiles against a bare atomic write of the same bytes.

import { join } from "node:path";
import { waitForDiskInPlace } from "../../dist/storage/fsync.js";
import { atMost, fileSystemOf, inFolder, interleaved, told } from "./lab.mjs";
import { storeOf, writeBarely } from "./store-lab.mjs";

const PROFILES = 200;

/** Both sides replace the same bytes on the same file system; planning the change, outside the lock, is told beside it. */
export function patch({ quick }) {
  // As the worker does.
  waitForDiskInPlace();
  return inFolder(async (folder) => {
    const { planned, bytes } = await storeOf(folder, PROFILES);
    const same = await bytes();
    let apply;
    const took = await interleaved(quick ? 5 : 100, {
      bare: () => writeBarely(join(folder, "bare.json"), same),
      plan: async (round) => void (apply = await planned(round)),
      patch: () => apply(),
    });
    const kind = fileSystemOf(folder);
    return [
      atMost(3, `locked patch of ${PROFILES} profiles / bare atomic write, on ${kind}`, took.patch / took.bare),
      told("bare atomic write", took.bare, "ms"),
      told("locked patch", took.patch, "ms"),
      told("planning it, outside the lock", took.plan, "ms"),
      told("size of the store", same.length / 1024, "KB"),
    ];
  });
}
