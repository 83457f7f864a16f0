"""Writes vault.json: what the vault writes, made by another hand from the formats alone.

python3 Tests/Vectors/vault.py > Tests/Vectors/vault.json   (needs python3-cryptography)
"""

import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def derive(key, salt, info, count=32):
    return HKDF(SHA256(), count, salt, info).derive(key)


def stretch(secret, salt):
    return Scrypt(salt, 32, 2**14, 8, 1).derive(secret)


def check(key, key_id, version):
    message = b"muster/key-check/v1" + key_id + struct.pack(">I", version)
    return hmac.new(key, message, hashlib.sha256).digest()[:16]


def prefixed(field):
    return struct.pack(">H", len(field)) + field


def crockford(data, count):
    number = int.from_bytes(data, "big")
    bits = len(data) * 8
    return "".join(ALPHABET[(number >> (bits - 5 * i - 5)) & 31] for i in range(count))


def slot(kind, number, cost, secret, label):
    header = bytes([1, kind]) + struct.pack(">I", number) + cost
    wrapped = aes_key_wrap(derive(secret, salt, label + header), root)
    return header + salt + wrapped + check(root, b"root", 0)


def box(key, salt, info, secret):
    keys = derive(key, salt, info, 64)
    return salt + keys[32:] + AESGCM(keys[:32]).encrypt(bytes(12), secret, info)


def times(a, b):
    """In GF(2^8) of AES (FIPS 197 §4.2), which draft-mcgrew-tss-03 §3.1 takes."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << bit - 8
    return product


def share(slot_number, number, secret, slope):
    """Two suffice: each byte lies on a line through the secret's."""
    value = bytes(s ^ times(a, number) for s, a in zip(secret, slope))
    front = struct.pack(">I", slot_number) + bytes([number])
    check = hashlib.sha256(b"muster/vault-share/v1" + front + value).digest()[:3]
    text = crockford(value + check, 56)
    return "-".join([str(slot_number), str(number)] + [text[i : i + 4] for i in range(0, 56, 4)])


root, file_key, kek = bytes(range(32)), bytes(range(100, 132)), bytes(range(200, 232))
salt, code = bytes(range(50, 82)), bytes(range(20))
kept = bytes(range(150, 182))
passphrase = b"correct horse battery"
cost = bytes([14, 8, 1])
owner = "key_01k742sg09f44rjft085146h25"
info = b"muster/seal/v1" + prefixed(b"issuer") + prefixed(owner.encode()) + prefixed(struct.pack(">I", 2))
head = b"muster-root\0\x01" + cost + salt
text = crockford(code, 32) + crockford(hashlib.sha256(b"muster/recovery-code/v1" + code).digest(), 4)
label = b"muster/root-ca/recovery-code/v1"

print(
    json.dumps(
        {
            "fileKey": file_key.hex(),
            "fileSlot": slot(1, 7, bytes(3), file_key, b"muster/slot/file/v1").hex(),
            "passphrase": passphrase.decode(),
            "passphraseSlot": slot(2, 8, cost, stretch(passphrase, salt), b"muster/slot/passphrase/v1").hex(),
            "recoveryCode": "-".join(text[i : i + 4] for i in range(0, 36, 4)),
            "recoverySlot": slot(3, 9, cost, stretch(code, salt), b"muster/slot/recovery-code/v1").hex(),
            "keptSecret": kept.hex(),
            "tpmSlot": (slot(4, 10, bytes(3), kept, b"muster/slot/tpm/v1") + b"sealed object").hex(),
            "sharesSlot": slot(6, 12, bytes([0, 2, 3]), kept, b"muster/slot/shares/v1").hex(),
            "shares": [share(12, number, kept, file_key) for number in (1, 2, 3)],
            "tokenSlot": slot(5, 11, bytes(3), kept, b"muster/slot/pkcs11/v1").hex(),
            "kek": (b"\x01" + struct.pack(">I", 3) + aes_key_wrap(root, kek) + check(kek, b"kek", 3)).hex(),
            "owner": owner,
            "purpose": "issuer",
            "version": 2,
            "sealed": (b"\x01" + struct.pack(">I", 3) + box(kek, salt, info, b"canary")).hex(),
            "offlineRoot": (head + box(stretch(code, salt), salt[::-1], label + head, b"root key")).hex(),
            "ticketCode": "0000-0000-0000-0000",
            "ticketMAC": hmac.new(
                derive(root, None, b"muster/mac/v1ticket-code"), bytes(10), hashlib.sha256
            ).hexdigest(),
        },
        indent=2,
    )
)
