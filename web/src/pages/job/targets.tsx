export function JobTargets() {
  return null;
}
