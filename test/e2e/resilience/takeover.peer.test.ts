import { describeTakeover } from "./takeover.ts";

describeTakeover("embedded");
describeTakeover("real");
