// Which process listens on a TCP port: the kernel's socket table against the open files of a process.

import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { PROC } from "./process-facts.ts";

/** A listening socket of the kernel's table. */
export interface Listener {
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

const LISTEN = "0A";

/** Every listening TCP socket of this machine that we can see, IPv4 and IPv6; undefined where there is no `/proc`. */
export async function readListeners(proc = PROC): Promise<readonly Listener[] | undefined> {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readTable(join(proc, "net", name))));
  if (tables.every((table) => table === undefined)) return undefined;
  return tables.flatMap((table) => parseListeners(table ?? ""));
}

/** Whether `pid` has one of the sockets on `port` open; sockets of another user never count. */
export async function listensOn(pid: number, port: number, uid: number, proc = PROC): Promise<boolean> {
  const listeners = await readListeners(proc);
  const inodes = listeners?.filter((one) => one.port === port && one.uid === uid).map((one) => one.inode) ?? [];
  return inodes.length > 0 && (await hasSocket(pid, inodes, proc));
}

/** The pid among our own processes that listens on `port`, or undefined. */
export async function findListener(port: number, uid: number, proc = PROC): Promise<number | undefined> {
  const listeners = await readListeners(proc);
  const inodes = listeners?.filter((one) => one.port === port && one.uid === uid).map((one) => one.inode) ?? [];
  if (inodes.length === 0) return undefined;
  const names = await readdir(proc).catch(() => []);
  for (const name of names) {
    if (/^\d+$/.test(name) && (await hasSocket(Number(name), inodes, proc))) return Number(name);
  }
  return undefined;
}

/** The listening sockets of a table like `/proc/net/tcp`. */
export function parseListeners(table: string): readonly Listener[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
      const port = Number.parseInt(local?.split(":")[1] ?? "", 16);
      if (state !== LISTEN || inode === undefined || !Number.isInteger(port)) return [];
      return [{ port, uid: Number(uid), inode }];
    });
}

async function hasSocket(pid: number, inodes: readonly string[], proc: string): Promise<boolean> {
  const folder = join(proc, String(pid), "fd");
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => "")));
  return links.some((link) => inodes.some((inode) => link === `socket:[${inode}]`));
}

async function readTable(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
