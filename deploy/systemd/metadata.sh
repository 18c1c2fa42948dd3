# shellcheck shell=bash
# Reads the instance metadata service (IMDSv2) for the scripts beside this file, which source it.
metadata_endpoint=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}

# metadata PATH: prints it; fails where there is no such service, or nothing of that name.
metadata() {
  local token
  token=$(ask -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata_endpoint/latest/api/token") &&
    ask -H "X-aws-ec2-metadata-token: $token" "$metadata_endpoint/latest/$1"
}

# The network of a machine that has just booted may need a moment.
ask() { curl -sf --noproxy '*' --max-time 5 --retry "${METADATA_RETRIES:-3}" --retry-connrefused "$@"; }

# The project that launched this machine, by the settings in its user data; nothing for any other machine.
launched_for() { metadata user-data 2>/dev/null | sed -n 's/^PROJECT_ID=//p' | head -n 1; }
