#!/bin/sh
# Any service is tested with a shell and curl. It needs infobip-sms[sandbox].
set -eu
url=http://127.0.0.1:${PORT:-8080}
infobip-sms sandbox --port "${PORT:-8080}" --api-key test >/dev/null &
trap 'kill $!' EXIT
curl --silent --fail --output /dev/null --retry 20 --retry-connrefused --retry-delay 1 "$url/sandbox/health"

# Start your service here, with $url as the base URL; this line stands for it.
curl --silent --fail --output /dev/null -H 'Authorization: App test' -H 'Content-Type: application/json' \
  -d '{"messages": [{"destinations": [{"to": "447700900000"}], "text": "Your table is ready."}]}' "$url/sms/2/text/advanced"

# It waits at most five seconds; --fail makes the script end with an error if the message does not come.
curl --silent --fail "$url/sandbox/messages?to=447700900000&status=DELIVERED&wait=5"
