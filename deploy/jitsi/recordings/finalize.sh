#!/usr/bin/env bash
# Jibri runs this when a recording has ended, with the folder of the recording: it tells Narada of every file in it.
# Set as JIBRI_FINALIZE_RECORDING_SCRIPT_PATH. Needs bash, curl and jq; ffprobe, where it is there, says how long it is.
#
# NARADA_URL=https://narada.example.org  NARADA_RECORDINGS_KEY=…  (from the page of the server, or jitsi_selftest)
set -euo pipefail
folder=${1:?the folder of the recording}
: "${NARADA_URL:?}" "${NARADA_RECORDINGS_KEY:?}"

metadata='{}'
if [ -f "$folder/metadata.json" ]; then
    # Of the people in it Narada keeps nothing, so they don't leave this machine.
    metadata=$(jq -c '{meeting_url, initiator}' "$folder/metadata.json")
fi
shopt -s nullglob
for file in "$folder"/*.mp4 "$folder"/*.mkv "$folder"/*.webm; do
    seconds=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$file" 2>/dev/null | cut -d. -f1 || true)
    body=$(jq -cn --arg session "$(basename "$folder")" --arg name "$(basename "$file")" \
        --arg digest "$(sha256sum "$file" | cut -d' ' -f1)" --argjson size "$(stat -c %s "$file")" \
        --argjson seconds "${seconds:-null}" --argjson metadata "$metadata" \
        '{session_id: $session, file_name: $name, sha256: $digest, size_bytes: $size, seconds: $seconds, metadata: $metadata}')
    # The key comes from a file descriptor: other users of this machine can read a command line.
    curl -fsS --retry 5 --retry-connrefused --max-time 20 -H @<(printf 'Authorization: Bearer %s' "$NARADA_RECORDINGS_KEY") \
        -H 'Content-Type: application/json' --data-binary "$body" "$NARADA_URL/jitsi/recordings"
done
