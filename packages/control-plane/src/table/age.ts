/** Ages as kubectl prints them: two units while the first one is small. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** `<unknown>` for a time that is missing or unreadable. */
export function formatAge(time: string, now: number): string {
  const since = Date.parse(time);
  if (Number.isNaN(since)) return "<unknown>";
  return formatDuration(now - since);
}

export function formatDuration(ms: number): string {
  if (ms < -2 * SECOND) return "<invalid>";
  if (ms < 0) return "0s";
  if (ms < 2 * MINUTE) return `${Math.floor(ms / SECOND)}s`;
  if (ms < 10 * MINUTE) return twoUnits(ms, { big: MINUTE, bigName: "m", small: SECOND, smallName: "s" });
  if (ms < 3 * HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < 8 * HOUR) return twoUnits(ms, { big: HOUR, bigName: "h", small: MINUTE, smallName: "m" });
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)}h`;
  if (ms < 8 * DAY) return twoUnits(ms, { big: DAY, bigName: "d", small: HOUR, smallName: "h" });
  if (ms < 2 * YEAR) return `${Math.floor(ms / DAY)}d`;
  if (ms < 8 * YEAR) return twoUnits(ms, { big: YEAR, bigName: "y", small: DAY, smallName: "d" });
  return `${Math.floor(ms / YEAR)}y`;
}

function twoUnits(ms: number, units: { big: number; bigName: string; small: number; smallName: string }): string {
  const big = Math.floor(ms / units.big);
  const small = Math.floor((ms % units.big) / units.small);
  return small === 0 ? `${big}${units.bigName}` : `${big}${units.bigName}${small}${units.smallName}`;
}
