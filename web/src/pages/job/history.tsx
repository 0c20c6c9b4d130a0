export function JobHistory() {
  return null;
}
