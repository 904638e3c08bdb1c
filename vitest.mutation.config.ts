// What Stryker runs against each mutant: the tests of the folders that are mutated, without a build and without other processes.

import { defineConfig } from "vitest/config";
import { keptFork } from "./test/support/kept-fork.ts";

export default defineConfig({
  plugins: [
    {
      name: "processes-instead-of-threads",
      // Stryker insists on threads: there a test's HOME would be the whole program's, and each mutant would import everything again.
      configureVitest({ project }) {
        project.config.pool = keptFork.name;
        project.config.poolRunner = keptFork;
      },
    },
  ],
  test: {
    include: ["**/*.test.ts"],
    // Other processes run dist/, where no mutant is; a thousand random cases for each mutant would take weeks; a clock means nothing here.
    exclude: ["**/*{.process,-processes,-property,-speed}.test.ts", "**/lease/!(policy*).test.ts"],
    setupFiles: ["test/support/isolate-home.ts"],
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
