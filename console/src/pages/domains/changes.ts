// The merge patch (RFC 7396) that makes `before` into `after`. What `after` has no key for stays; what became empty is
// null, which is the default. So what was never set stays unset.

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const empty = (value: unknown) => value === undefined || value === null || value === "";

export function changes(before: unknown, after: Record<string, unknown>): Record<string, unknown> {
  const old = isMap(before) ? before : {};
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(after)) {
    if (isMap(value)) {
      const below = changes(old[key], value);
      if (Object.keys(below).length > 0) patch[key] = below;
    } else if (empty(value)) {
      if (!empty(old[key])) patch[key] = null;
    } else if (JSON.stringify(value) !== JSON.stringify(old[key])) {
      patch[key] = value;
    }
  }
  return patch;
}

export const nothing = (patch: object) => Object.keys(patch).length === 0;
