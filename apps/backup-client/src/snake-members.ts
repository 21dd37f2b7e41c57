// What the broker answers, for programs: the names of members in snake_case, as in all other JSON of this command. Pure.

/** The same value, of the kinds that JSON has; members in objects and lists below it, too. */
export function snakeMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeMembers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), snakeMembers(member)]));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
