/** The version of this build: of the package, or what the image was tagged with. */
import manifest from "../package.json" with { type: "json" };

export const versionOf = (environment: NodeJS.ProcessEnv): string =>
  environment["MACHINE_CONTROLLER_VERSION"] || manifest.version;
