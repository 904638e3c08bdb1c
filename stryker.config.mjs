// Mutation testing; `scripts/mutation.mjs` runs it folder by folder, docs/mutation.md says what came of it.

// Words for people may change without a test: what a program reads of an error is its code. Three words in a row are a sentence.
const WORDS = new Set(["message", "next", "cause"]);
const textOf = ({ value, quasis = [] }) => value ?? quasis.map(({ value: { raw } }) => raw).join("x");
const isText = ({ type }) => type === "StringLiteral" || type === "TemplateLiteral";
const isSentence = (node) => isText(node) && /\S \S+ \S/.test(textOf(node));
const isWord = (node) => node.type === "ObjectProperty" && WORDS.has(node.key.name);
const isOnlyWords = (node) =>
  node.type === "ObjectExpression" && node.properties.length > 0 && node.properties.every(isWord);

/** Stryker loads this file as a plugin, too: what it leaves unmutated. */
export const strykerPlugins = [
  {
    kind: "Ignore",
    name: "words",
    value: {
      shouldIgnore: ({ node }) =>
        isSentence(node) || isWord(node) || isOnlyWords(node) ? "words for people" : undefined,
    },
  },
];

export default {
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner", "./stryker.config.mjs"],
  ignorers: ["words"],
  mutate: ["src/{storage,apply,oauth,profiles}/**/*.ts", "src/lease/policy.ts"],
  coverageAnalysis: "perTest",
  // A mutant of a line that runs on import needs a process of its own and all tests: a tenth of the mutants, half of the time.
  ignoreStatic: true,
  // Its reader of tsconfig.json needs the compiler's API, which TypeScript 7 does not have; vite strips types without it.
  tsconfigFile: "none",
  disableTypeChecks: false,
  concurrency: 2,
  timeoutMS: 30_000,
  timeoutFactor: 3,
  dryRunTimeoutMinutes: 15,
  incremental: true,
  tempDirName: ".stryker-tmp",
  reporters: ["json", "clear-text", "progress-append-only"],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  ignorePatterns: ["/dist-*", "/reports", "/docs", "/plugin", "/test/{e2e,survival}", "/.stryker-tmp*"],
  thresholds: { high: 95, low: 85, break: 85 },
};
