export function JobConfig() {
  return null;
}
