#!/usr/bin/env bash
# Enrolls a device by its TPM 2.0, with tpm2-tools, openssl, jq and curl alone: what any device can do without Muster's own
# programs. The key is made in the TPM and stays there.
#
#   enroll-tpm.sh SERVER ROOT.PEM STATE [GROUP]
#
# SERVER is https://…; ROOT.PEM the service's trust anchor; STATE a folder for the device, made if it is not there. It leaves
# STATE/certificate.pem (the device's, then its issuer's) and STATE/device.json. TPM2TOOLS_TCTI says which TPM. The keys lie
# in the TPM under the handles below; run again, it uses them, and gets the same certificate.
# Where the service asks for registers of the TPM, they are quoted; EVENT_LOG is the firmware's event log, else what Linux has
# of it (root may read it).
# With KEEP, an absolute path, what was sent and received is left there; the secret in it is spent by then.
# "enroll-tpm.sh --endorsement-key STATE" prints the tpm-ek: ID for the operator's allowlist, and enrolls nothing.
set -euo pipefail
umask 077

ek_handle=${EK_HANDLE:-0x81010001} ak_handle=${AK_HANDLE:-0x81010002} key_handle=${KEY_HANDLE:-0x81010003}
only_endorsement_key=
if [ "${1:-}" = --endorsement-key ]; then only_endorsement_key=1; shift; set -- - - "$@"; fi
[ $# -ge 3 ] && [ $# -le 4 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
server=$1 root=$2 state=$3 group=${4:-}
mkdir -p "$state"; state=$(cd "$state" && pwd)
[ "$root" = - ] || root=$(realpath "$root")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"

quietly() { "$@" >log 2>&1 || { cat log >&2; echo "enroll-tpm: $1 failed" >&2; exit 1; }; }
flush() { tpm2_flushcontext -t >/dev/null 2>&1 || true; tpm2_flushcontext -l >/dev/null 2>&1 || true; }
there() { tpm2_readpublic -c "$1" >/dev/null 2>&1; }
# Bytes of hexadecimal digits.
bytes() { printf '%b' "$(printf %s "$1" | sed 's/../\\x&/g')"; }
hex() { od -An -v -tx1 "$@" | tr -d ' \n'; }
base64_of() { openssl base64 -A -in "$1"; }
# A DER element: tag and content, in digits.
der() {
  local size=$((${#2} / 2))
  if [ "$size" -lt 128 ]; then printf '%s%02x%s' "$1" "$size" "$2"
  elif [ "$size" -lt 256 ]; then printf '%s81%02x%s' "$1" "$size" "$2"
  else printf '%s82%04x%s' "$1" "$size" "$2"; fi
}

# --- the keys: endorsement key, attestation key (restricted), device key (P-256)
there "$ek_handle" || quietly tpm2_createek -c "$ek_handle" -G "${EK_KIND:-rsa}"
flush
quietly tpm2_readpublic -c "$ek_handle" -o ek.pub
quietly tpm2_readpublic -c "$ek_handle" -f der -o ek.der
if [ -n "$only_endorsement_key" ]; then
  echo "tpm-ek:$(openssl dgst -sha256 -r ek.der | cut -d' ' -f1)"
  exit 0
fi
if ! there "$ak_handle"; then
  quietly tpm2_createak -C "$ek_handle" -c ak.ctx -G ecc -g sha256 -s ecdsa
  flush
  quietly tpm2_evictcontrol -C o -c ak.ctx "$ak_handle"
  flush
fi
if ! there "$key_handle"; then
  quietly tpm2_createprimary -C o -G ecc -c owner.ctx
  flush
  quietly tpm2_create -C owner.ctx -G ecc256 -u key.created -r key.private \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
  flush
  quietly tpm2_load -C owner.ctx -u key.created -r key.private -c key.ctx
  flush
  quietly tpm2_evictcontrol -C o -c key.ctx "$key_handle"
  flush
fi
quietly tpm2_readpublic -c "$ak_handle" -o ak.pub
quietly tpm2_readpublic -c "$key_handle" -o key.pub
quietly tpm2_readpublic -c "$key_handle" -f der -o key.der

# post PATH BODY ANSWER: what is refused is told in the service's words.
post() {
  local status
  status=$(curl -sS --max-time 30 --cacert "$root" -H 'Content-Type: application/json' --data-binary "@$2" -o "$3" \
    -w '%{http_code}' "$server$1")
  case $status in 2??) ;; *) jq -r '"enroll-tpm: \(.code): \(.detail // .title)"' "$3" >&2 || cat "$3" >&2; exit 1 ;; esac
}

# --- the first step: evidence in, challenge out; with the certificate that the TPM's maker left in it, where there is one
case ${EK_KIND:-rsa} in rsa*) certificate_index=0x01c00002 ;; *) certificate_index=0x01c0000a ;; esac
tpm2_nvread "$certificate_index" -o ek.cer >/dev/null 2>&1 || : >ek.cer
jq -n --arg ek "$(base64_of ek.pub)" --arg ak "$(base64_of ak.pub)" --arg key "$(base64_of key.pub)" \
  --arg certificate "$(base64_of ek.cer)" '{ekPublic: $ek, akPublic: $ak, keyPublic: $key}
    + (if $certificate == "" then {} else {ekCertificate: $certificate} end)' >evidence.json
post /v1/attestations evidence.json challenge.json

# --- the TPM opens the secret: in tpm2-tools' file form, a magic number and a version stand before the two structures
{
  bytes badcc0de00000001
  jq -r .credential challenge.json | openssl base64 -d -A
  jq -r .encryptedSecret challenge.json | openssl base64 -d -A
} >credential
quietly tpm2_startauthsession --policy-session -S session.ctx
quietly tpm2_policysecret -S session.ctx -c e
quietly tpm2_activatecredential -c "$ak_handle" -C "$ek_handle" -i credential -o secret -P session:session.ctx
flush

# --- the attestation key certifies the device key over the nonce. tpm2_certify takes no nonce, so that the command is sent
# as its bytes (TPM 2.0 Library part 3 §18.2), with an empty password for each of the two handles.
nonce=$(jq -r .nonce challenge.json | openssl base64 -d -A | hex)
password=400000090000000000
body=${key_handle#0x}${ak_handle#0x}00000012$password$password$(printf %04x $((${#nonce} / 2)))${nonce}0010
bytes "8002$(printf %08x $((${#body} / 2 + 10)))00000148$body" >command
quietly tpm2_send -o response command
response=$(hex response)
[ "${response:12:8}" = 00000000 ] || { echo "enroll-tpm: TPM2_Certify gave the code 0x${response:12:8}" >&2; exit 1; }
parameters=${response:28:$((16#${response:20:8} * 2))}
size=$((16#${parameters:0:4} * 2))
bytes "${parameters:4:$size}" >certify.info
bytes "${parameters:$((4 + size))}" >certify.signature

# --- the registers that the service asks for, quoted over the nonce, and what the firmware measured into them
pcrs=$(jq -r '(.pcrs // []) | map(tostring) | join(",")' challenge.json)
echo '{}' >quote.json
if [ -n "$pcrs" ]; then
  quietly tpm2_quote -c "$ak_handle" -l "sha256:$pcrs" -q "$nonce" -m quote.info -s quote.signature -f tss
  quietly tpm2_pcrread "sha256:$pcrs" -o quote.values
  log=${EVENT_LOG:-/sys/kernel/security/tpm0/binary_bios_measurements}
  cat "$log" >quote.log 2>/dev/null || : >quote.log
  # A log is too long for an argument.
  base64_of quote.log >quote.log.base64
  jq -n --arg info "$(base64_of quote.info)" --arg signature "$(base64_of quote.signature)" \
    --arg values "$(base64_of quote.values)" --rawfile log quote.log.base64 \
    '{quote: $info, quoteSignature: $signature, pcrValues: $values} + (if $log == "" then {} else {eventLog: $log} end)' \
    >quote.json
fi

# --- the request (PKCS #10): from it the service takes the key alone; the device key signs it in the TPM
name=$(der 30 "$(der 31 "$(der 30 "0603550403$(der 0c "$(printf device | hex)")")")")
info=$(der 30 "020100$name$(hex key.der)a000")
bytes "$info" >request.info
quietly tpm2_sign -c "$key_handle" -g sha256 -s ecdsa -f plain -o request.signature request.info
bytes "$(der 30 "$info$(der 30 06082a8648ce3d040302)$(der 03 "00$(hex request.signature)")")" >request.der

# --- the second step: the answer in, the certificate out
jq --arg secret "$(base64_of secret)" --arg info "$(base64_of certify.info)" --arg group "$group" \
  --arg signature "$(base64_of certify.signature)" --arg csr "$(base64_of request.der)" --slurpfile quote quote.json \
  '. + $quote[0] + {secret: $secret, certifyInfo: $info, certifySignature: $signature, csr: $csr}
     + (if $group == "" then {} else {group: $group} end)' evidence.json >answer.json
rm -f secret
if [ -n "${KEEP:-}" ]; then mkdir -p "$KEEP"; cp evidence.json challenge.json answer.json "$KEEP"; fi
post "/v1/attestations/$(jq -r .attestation challenge.json)/answer" answer.json device.json
jq -r '.certificate, .issuer' device.json >certificate.pem
mv certificate.pem device.json "$state/"
echo "enrolled as $(jq -r .deviceID "$state/device.json"), serial $(jq -r .serial "$state/device.json")"
