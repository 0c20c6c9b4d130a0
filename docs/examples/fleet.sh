#!/usr/bin/env bash
# Brings the jobs and targets of one node to what a directory says, by the API of
# promfleet alone. It needs curl and jq.
#
#   fleet.sh plan  DIR    shows what would change in the node's files; 1 if anything would
#   fleet.sh apply DIR    does it, and says what has changed
#
# PROMFLEET_URL, PROMFLEET_TOKEN_FILE and NODE (its uuid) say where and as whom.
# DIR has KEY.json for each job of the node: its fields but node and key, as
# {"remark": "hosts", "scrape_config": {"scrape_interval": "15s"}}, and KEY.csv with
# the job's targets (columns addr, name, remark, tags, labels.NAME); without it the
# job has none. Jobs of the node that DIR does not have are deleted.
#
# Each write says by If-Match what it was decided upon: if somebody else has changed
# that meanwhile, it is refused, and nothing of theirs is lost. A write that changes
# nothing leaves no trace, so apply may run as often as you like.
set -euo pipefail

fail() {
  echo "fleet.sh: $1" >&2
  exit 2
}

: "${PROMFLEET_URL:=http://127.0.0.1:7090}"
[ -n "${PROMFLEET_TOKEN_FILE-}" ] || fail "PROMFLEET_TOKEN_FILE is not set: a file with a token of the role editor"
[ -n "${NODE-}" ] || fail "NODE is not set: the uuid of the node"

case ${1-}/$# in
  plan/2) dry='?dry_run=true' ;;
  apply/2) dry= ;;
  *) fail "usage: fleet.sh plan|apply DIR" ;;
esac
[ -d "$2" ] || fail "$2 is no directory"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# In a file, the token is not seen in the list of processes.
(umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$(cat "$PROMFLEET_TOKEN_FILE")" >"$work/curlrc")

cd "$2"
shopt -s nullglob
jobs=(*.json)
[ ${#jobs[@]} -gt 0 ] || fail "$2 has no job (KEY.json), and to delete all of them is not what this is for"

# call METHOD PATH [CURL-OPTION...]: the answer is in $work/body, its ETag in $etag.
call() {
  local method=$1 path=$2 status said
  shift 2
  status=$(curl -sS -K "$work/curlrc" -X "$method" -D "$work/header" -o "$work/body" -w '%{http_code}' \
    "$@" "$PROMFLEET_URL/api/v1$path") || fail "$PROMFLEET_URL does not answer"
  etag=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *\([^[:space:]]*\).*/\1/p' "$work/header")
  case $status in 2*) return ;; esac
  said=$(jq -r '[.detail, (.errors // [] | map("\(.location): \(.message)") | join("; "))] | map(select(. != "")) | join(": ")' "$work/body") ||
    said="the server answered $status"
  fail "$method $path: $said"
}

# send METHOD PATH TYPE FILE: a write, or its dry run, that holds to $etag.
send() {
  call "$1" "$2$dry" -H "Content-Type: $3" ${etag:+-H "If-Match: $etag"} --data-binary "@$4"
}

changes=0

# tell WHAT CHANGED: says what a write did, or would do. CHANGED is empty if nothing.
tell() {
  if [ -n "$2" ]; then
    changes=$((changes + 1))
    echo "$1: $2"
  elif [ -n "$dry" ]; then
    echo "$1: no file would change"
  else
    echo "$1: as it should be"
  fi
}

# preview WHAT: tells what a dry run answered.
preview() {
  tell "$1" "$(jq -r '.nodes[] | "targets +\(.targets_added) -\(.targets_removed) ~\(.targets_changed)"
    + (if .reload then ", one reload" else ", no reload" end), .files[].diff' "$work/body")"
}

# job KEY: the job itself.
job() {
  local before
  jq --arg node "$NODE" --arg key "$1" '. + {node: $node, key: $key}' "$1.json" >"$work/job" || fail "$1.json is not JSON"
  call GET "/jobs?node=$NODE&key=$1"
  id=$(jq -r '.items[0].id // empty' "$work/body")
  etag=
  if [ -z "$id" ]; then
    send POST /jobs application/json "$work/job"
    if [ -n "$dry" ]; then preview "job $1 (new)"; else tell "job $1" created; fi
    id=$(jq -r '.id // empty' "$work/body")
    return
  fi
  call GET "/jobs/$id"
  before=$etag
  send PUT "/jobs/$id" application/json "$work/job"
  if [ -n "$dry" ]; then
    preview "job $1"
  else
    tell "job $1" "$([ "$etag" = "$before" ] || echo changed)"
  fi
}

# targets KEY: the targets of the job whose id is $id.
targets() {
  local file=$1.csv
  if [ -z "$id" ]; then # of a job that plan has not created
    [ ! -e "$file" ] || tell "targets of $1" "those of $file, once the job is there"
    return
  fi
  if [ ! -e "$file" ]; then
    file=$work/none
    echo addr >"$file"
  fi
  call GET "/jobs/$id/targets"
  send PUT "/jobs/$id/targets" text/csv "$file"
  if [ -n "$dry" ]; then
    preview "targets of $1"
  else
    tell "targets of $1" "$(jq -r 'select(.created + .updated + .deleted > 0) | "\(.created) created, \(.updated) updated, \(.deleted) deleted"' "$work/body")"
  fi
}

# others: deletes the jobs that the directory does not have.
others() {
  local key cursor=
  while
    call GET "/jobs" -G -d "node=$NODE" -d limit=1000 --data-urlencode "cursor=$cursor"
    jq -r '.items[] | "\(.id) \(.key)"' "$work/body" >>"$work/jobs"
    cursor=$(jq -r .next_cursor "$work/body")
    [ -n "$cursor" ]
  do :; done
  while read -r id key; do
    [ ! -e "$key.json" ] || continue
    call GET "/jobs/$id"
    call DELETE "/jobs/$id$dry" -H "If-Match: $etag"
    if [ -n "$dry" ]; then preview "job $key (to be deleted)"; else tell "job $key" deleted; fi
  done <"$work/jobs"
}

for f in "${jobs[@]}"; do
  [[ ${f%.json} =~ ^[a-zA-Z][0-9a-zA-Z_]*$ ]] || fail "$f: a key is a letter, then letters, digits and _"
  job "${f%.json}"
  targets "${f%.json}"
done
others

if [ "$changes" = 0 ]; then
  echo "nothing to change"
elif [ -n "$dry" ]; then
  exit 1
fi
