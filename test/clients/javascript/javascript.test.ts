import { startEmbeddedBody } from "../body.ts";
import { javascriptSuite } from "./suite.ts";

javascriptSuite("@kubernetes/client-node against the embedded API server", () =>
  startEmbeddedBody({ keptRevisions: 1_000 }),
);
