import { startRealCluster } from "../real-cluster.ts";
import { admissionSuite } from "./suite.ts";

admissionSuite("admission by a real API server", startRealCluster);
