import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

const shared = { ...base.test, include: [], exclude: [] };

export default mergeConfig(
  { ...base, test: shared },
  defineConfig({ test: { include: ["test/**/*.process.test.ts"], exclude: ["test/e2e/**"], isolate: true } }),
);
