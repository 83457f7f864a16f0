"""Verifies an export of a Muster ledger with nothing of Muster: python3 verify-export.py EXPORT KEY

KEY is the ledger's verifier key, name+hash+base64, got from someone you trust. Needs openssl for Ed25519.
"""
import base64, hashlib, json, subprocess, sys, tempfile

lines = open(sys.argv[1], "rb").read().split(b"\n")[:-1]
header = json.loads(lines[0])
assert header["format"] == "muster-ledger-export/1"
events = [line for line in lines[1:] if not line.startswith(b'{"hashes":')]

name, _, key = sys.argv[2].split("+", 2)
public = base64.b64decode(key)[1:]
text, signature = header["checkpoint"].split("\n\n")
blob = base64.b64decode(signature.split(" ")[2])
assert blob[:4] == hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
files = [tempfile.NamedTemporaryFile() for _ in range(3)]
spki = bytes.fromhex("302a300506032b6570032100") + public
for file, content in zip(files, [spki, text.encode() + b"\n", blob[4:]]):
    file.write(content)
    file.flush()
key, message, signed = [file.name for file in files]
subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key,
                "-rawin", "-in", message, "-sigfile", signed], check=True, stdout=subprocess.DEVNULL)

def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(hashes[:split]) + root(hashes[split:])).digest()

origin, size, head = text.split("\n")
assert origin == name and int(size) == len(events)
assert base64.b64decode(head) == root([hashlib.sha256(b"\0" + event).digest() for event in events])
print(f"verified: {size} events of {origin}")
