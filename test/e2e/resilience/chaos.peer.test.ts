import { describeChaos } from "./chaos.ts";

describeChaos("embedded");
describeChaos("real");
