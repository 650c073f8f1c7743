import { startRealBody } from "../body.ts";
import { pythonSuite } from "./suite.ts";

pythonSuite("Python's kubernetes client against a real API server", startRealBody);
