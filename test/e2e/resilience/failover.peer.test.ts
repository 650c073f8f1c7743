// FAILOVER_KILLS sets how often a leader is killed on the real API server (2); each takes about 17 s.
import { describeFailover } from "./failover.ts";

describeFailover("embedded", 1);
describeFailover("real", Number(process.env["FAILOVER_KILLS"] ?? 2));
