// What must hold before a release, judged from texts and lists alone: each rule gives a sentence for what is not right.

/** Bounds of what `npm i -g` puts on somebody's machine. */
export const INSTALL_BOUNDS = { packages: 30, megabytes: 20 };

/** Where one version is written, and which: `[place, version]`; undefined where none is found. */
export function versionsIn({ manifest, lock, changelog, skills, plugin }) {
  return [
    ["package.json", manifest.version],
    ["package-lock.json", lock.version],
    ["package-lock.json, its own package", lock.packages?.[""]?.version],
    ["CHANGELOG.md, its newest heading", /^## \[?([^\]\s]+)/m.exec(changelog)?.[1]],
    ...Object.entries(skills).map(([path, text]) => [path, skillVersion(text)]),
    ["the plugin's package.json", plugin.version],
  ];
}

function skillVersion(text) {
  const metadata = /^metadata: (\{.*\})$/m.exec(text)?.[1];
  return metadata === undefined ? undefined : JSON.parse(metadata).version;
}

/** A sentence for each place that does not say the version of package.json. */
export function versionProblems(versions) {
  const [, wanted] = versions[0];
  return versions
    .filter(([, version]) => version !== wanted)
    .map(([place, version]) => `${place}: ${version ?? "no version"} instead of ${wanted}`);
}

/** What npm needs to say where a package comes from. */
export function provenanceProblems(manifest, licence) {
  const { repository, license, publishConfig = {}, bin, engines } = manifest;
  const url = typeof repository === "string" ? repository : repository?.url;
  return [
    ...(/^(?:git\+)?https:\/\/[^/\s]+\/[^/\s]+\/[^/\s]+/.test(url ?? "")
      ? []
      : ["package.json: `repository.url` names no repository: npm gives no provenance without it"]),
    ...(publishConfig.provenance === true ? [] : ["package.json: `publishConfig.provenance` is not true"]),
    ...(publishConfig.access === "public" ? [] : ['package.json: `publishConfig.access` is not "public"']),
    ...(license !== undefined && licence.startsWith(`${license} License`)
      ? []
      : [`LICENSE is not the licence of package.json, ${license ?? "which names none"}`]),
    ...(engines?.node === undefined ? ["package.json: `engines.node` is missing"] : []),
    ...(Object.keys(bin ?? {}).length === 1 ? [] : ["package.json: there is not exactly one program in `bin`"]),
  ];
}

/** Files that must not be in the tarball. */
export function tarballProblems(files) {
  return files.filter(isUnwanted).map((file) => `the npm package holds ${file}`);
}

function isUnwanted(file) {
  return (
    /\.map$|\.tsbuildinfo$|(?<!\.d)\.[cm]?ts$/.test(file) ||
    /(?:^|\/)(?:tests?|fixtures?|node_modules|coverage)\/|\.(?:test|spec)\./.test(file) ||
    /(?:^|\/)\.(?!env\.example$)/.test(file)
  );
}

/** Packages in the plugin's `node_modules` whose licence does not go with them. */
export function licenceProblems(files) {
  const names = new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const has = (name) => {
    const folder = `node_modules/${name}/`;
    return files.some((file) => file.startsWith(folder) && /^licen[cs]e[^/]*$/i.test(file.slice(folder.length)));
  };
  return [...names].filter((name) => !has(name)).map((name) => `the plugin holds ${name} without its licence`);
}

/** Whether an installed package is small enough. */
export function sizeProblems({ packages, bytes }, bounds = INSTALL_BOUNDS) {
  const megabytes = bytes / 1_000_000;
  return [
    ...(packages > bounds.packages ? [`it brings ${packages} packages, more than ${bounds.packages}`] : []),
    ...(megabytes > bounds.megabytes ? [`it takes ${megabytes.toFixed(1)} MB, more than ${bounds.megabytes}`] : []),
  ];
}
