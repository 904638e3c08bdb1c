// The types of pack-files.mjs, for the tests of the packages.

export function makePackages(out: string): void;
export function packageLists(out: string): Readonly<Record<"skill" | "plugin" | "npm", readonly string[]>>;
export function tarballIn(folder: string): string;
export function tarballFiles(tarball: string): readonly string[];
export function filesBelow(folder: string): readonly string[];
export function differences(list: readonly string[], found: readonly string[]): readonly string[];
export function agreedList(folder: string, name: string): readonly string[];
