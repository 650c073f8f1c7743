/** A history as one page without anything from outside: a lane for each actor, time from top to bottom. */
import type { WorldResult } from "../world/run-world.ts";
import type { Moment } from "../world/timeline.ts";

export function timelineHtml({ seed, cloud, violation, hash, moments }: WorldResult): string {
  const lanes = [...new Set(moments.map(laneOf))];
  const rows = moments.map((moment) => {
    const lane = lanes.indexOf(laneOf(moment)) + 2;
    return (
      `<div class="time ${moment.weight}" title="${moment.atMs} ms">${(moment.atMs / 1_000).toFixed(3)}</div>` +
      `<div class="moment ${moment.weight}" style="grid-column:${lane}">${escape(moment.what)}</div>`
    );
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Seed ${escape(seed)}</title>
<style>${STYLE}
main { grid-template-columns: 6rem repeat(${lanes.length}, minmax(14rem, 1fr)); }</style>
<header>
<h1>Seed ${escape(seed)} on ${escape(cloud)}</h1>
<p class="${violation ? "violation" : ""}">${violation ? escape(violation.what) : "Every promise was kept."}</p>
<p><code>npm run simulate -- --seed ${escape(seed)} --verbose</code> · history ${hash.slice(0, 16)}</p>
<label><input type="checkbox" id="traffic" checked> everyday traffic</label>
</header>
<main>
<div class="lane">time (s)</div>${lanes.map((lane) => `<div class="lane">${escape(lane)}</div>`).join("")}
${rows.join("\n")}
</main>
<script>
document.getElementById("traffic").addEventListener("change", ({ target }) => {
  document.body.classList.toggle("quiet", !target.checked);
});
</script>
</html>
`;
}

/** All VMs share a lane. */
const laneOf = ({ actor }: Moment): string => (actor.startsWith("vm ") ? "VMs" : actor);

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

const STYLE = `
:root { color-scheme: light dark; font: 13px/1.4 system-ui, sans-serif; }
header { padding: 0 1rem; }
main { display: grid; gap: 1px 4px; padding: 1rem; }
.lane { position: sticky; top: 0; background: Canvas; font-weight: 600; border-bottom: 2px solid; padding: 4px; }
.time { grid-column: 1; font-variant-numeric: tabular-nums; text-align: right; opacity: 0.7; }
.moment { border-left: 3px solid #8884; padding: 0 6px; overflow-wrap: anywhere; }
.event { border-color: #1a7f37; }
.fault { border-color: #bc4c00; background: #bc4c0018; }
.violation { border-color: #cf222e; background: #cf222e33; font-weight: 600; }
.quiet .traffic { display: none; }
`;
