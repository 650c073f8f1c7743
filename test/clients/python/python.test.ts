import { startEmbeddedBody } from "../body.ts";
import { pythonSuite } from "./suite.ts";

pythonSuite("Python's kubernetes client against the embedded API server", startEmbeddedBody);
