import { startRealCluster } from "../real-cluster.ts";
import { migrationSuite } from "./suite.ts";

migrationSuite("migration on a real API server", startRealCluster);
