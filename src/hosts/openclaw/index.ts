// The plugin's entry, which OpenClaw imports by its default export, in the gateway and in each call of its command line.

import { readEnvironment } from "../../config/env.ts";
import { composePlugin } from "./compose.ts";
import { createPlugin } from "./plugin.ts";
import { inProcessPorts, publishProfiles } from "./ports.ts";

// oxlint-disable-next-line import/no-default-export -- OpenClaw takes a plugin's default export and nothing else.
export default createPlugin({
  compose: (runtime) =>
    composePlugin({
      environment: readEnvironment(),
      runtime,
      ports: inProcessPorts,
      publish: (parts) => publishProfiles(parts, runtime()?.version),
    }),
});
