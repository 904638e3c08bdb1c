// The types of release-rules.mjs, for its tests.

type Versions = readonly (readonly [place: string, version: string | undefined])[];

export const INSTALL_BOUNDS: { readonly packages: number; readonly megabytes: number };
export function versionsIn(facts: {
  readonly manifest: { readonly version: string };
  readonly lock: {
    readonly version: string;
    readonly packages?: Readonly<Record<string, { readonly version?: string }>>;
  };
  readonly changelog: string;
  readonly skills: Readonly<Record<string, string>>;
  readonly plugin: { readonly version: string };
}): Versions;
export function versionProblems(versions: Versions): readonly string[];
export function provenanceProblems(manifest: Readonly<Record<string, unknown>>, licence: string): readonly string[];
export function tarballProblems(files: readonly string[]): readonly string[];
export function licenceProblems(files: readonly string[]): readonly string[];
export function sizeProblems(
  size: { readonly packages: number; readonly bytes: number },
  bounds?: { readonly packages: number; readonly megabytes: number },
): readonly string[];
