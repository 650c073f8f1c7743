import { startRealBody } from "../body.ts";
import { javascriptSuite } from "./suite.ts";

javascriptSuite("@kubernetes/client-node against a real API server", startRealBody);
