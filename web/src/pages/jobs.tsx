export function AllJobs() {
  return null;
}
