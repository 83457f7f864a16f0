"""Prints how many lines ledger.jsonl has, and its root in hex and in base64: with nothing of Muster."""
import base64, hashlib, pathlib

lines = (pathlib.Path(__file__).parent / "ledger.jsonl").read_bytes().split(b"\n")[:-1]


def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(hashes[:split]) + root(hashes[split:])).digest()


head = root([hashlib.sha256(b"\0" + line).digest() for line in lines])
print(len(lines), head.hex(), base64.b64encode(head).decode())
