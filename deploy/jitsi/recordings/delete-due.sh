#!/usr/bin/env bash
# Deletes the recordings whose time is over and tells Narada; for cron on the machine that keeps them, once a day.
# Needs bash, curl and jq.
#
# NARADA_URL=https://narada.example.org  NARADA_RECORDINGS_KEY=…  RECORDINGS=/config/recordings
set -euo pipefail
: "${NARADA_URL:?}" "${NARADA_RECORDINGS_KEY:?}" "${RECORDINGS:?}"
call() { curl -fsS --max-time 20 -H @<(printf 'Authorization: Bearer %s' "$NARADA_RECORDINGS_KEY") "$@"; }

call "$NARADA_URL/jitsi/recordings/due" | jq -c '.recordings[]' | while read -r due; do
    id=$(jq -r .id <<<"$due")
    session=$(jq -r .session_id <<<"$due")
    name=$(jq -r .file_name <<<"$due")
    # What could lead out of the folder was never made by Jibri.
    case "$session/$name" in *..* | /* | */*/*) echo "Left alone: $session/$name" >&2; continue ;; esac
    rm -f -- "$RECORDINGS/$session/$name"
    call -X DELETE "$NARADA_URL/jitsi/recordings/$id"
done
