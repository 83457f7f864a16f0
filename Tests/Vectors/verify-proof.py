"""Verifies the proof of one event of a Muster ledger with nothing of Muster: python3 verify-proof.py PROOF KEY

PROOF is C2SP's tlog-proof, as device.json holds it; KEY is the ledger's verifier key, name+hash+base64, got from someone
you trust. Needs openssl for Ed25519.
"""
import base64, hashlib, subprocess, sys, tempfile

proof, note = open(sys.argv[1]).read().split("\n\n", 1)
version, extra, index, *path = proof.split("\n")
assert version == "c2sp.org/tlog-proof@v1" and extra.startswith("extra ") and index.startswith("index ")
text, signature = note.split("\n\n")

name, _, key = sys.argv[2].split("+", 2)
public = base64.b64decode(key)[1:]
blob = base64.b64decode(signature.split(" ")[2])
assert blob[:4] == hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
files = [tempfile.NamedTemporaryFile() for _ in range(3)]
for file, content in zip(files, [bytes.fromhex("302a300506032b6570032100") + public, text.encode() + b"\n", blob[4:]]):
    file.write(content)
    file.flush()
key, message, signed = [file.name for file in files]
subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key,
                "-rawin", "-in", message, "-sigfile", signed], check=True, stdout=subprocess.DEVNULL)

origin, size, root = text.split("\n")
assert origin == name
# RFC 9162, section 2.1.3.2.
position, last = int(index[6:]), int(size) - 1
assert position <= last
hash = hashlib.sha256(b"\0" + base64.b64decode(extra[6:])).digest()
node = position
for sibling in map(base64.b64decode, path):
    assert last > 0
    if node & 1 or node == last:
        hash = hashlib.sha256(b"\1" + sibling + hash).digest()
        while node and not node & 1:
            node, last = node >> 1, last >> 1
    else:
        hash = hashlib.sha256(b"\1" + hash + sibling).digest()
    node, last = node >> 1, last >> 1
assert last == 0 and base64.b64decode(root) == hash
print(f"position {position} of {size} in {origin}")
