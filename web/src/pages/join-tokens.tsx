export function JoinTokens() {
  return null;
}
