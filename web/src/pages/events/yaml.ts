/** A record as lines that read like YAML, for people to compare; nothing reads it back. */
export function yamlOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return lines(value, '');
}

function lines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${indent}[]`];
    return value.flatMap((item) => {
      const [first = '', ...rest] = lines(item, `${indent}  `);
      return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
    });
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return [`${indent}{}`];
    return entries.flatMap(([name, item]) => {
      const key = scalar(name);
      if (typeof item === 'string' && item.includes('\n')) {
        const text = item.replace(/\n$/, '').split('\n');
        return [`${indent}${key}: |`, ...text.map((line) => `${indent}  ${line}`)];
      }
      const nested = typeof item === 'object' && item !== null && Object.keys(item).length > 0;
      return nested ? [`${indent}${key}:`, ...lines(item, `${indent}  `)] : [`${indent}${key}: ${scalar(item)}`];
    });
  }
  return [indent + scalar(value)];
}

const scalar = (value: unknown): string => {
  if (typeof value === 'string')
    return /^[\p{L}/][^\n:#'"]*$/u.test(value) && value.trim() === value ? value : JSON.stringify(value);
  return JSON.stringify(value ?? null);
};
