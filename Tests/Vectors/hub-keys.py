"""Writes hub-keys.json: a device's keys sealed to a hub, made by another hand from Docs/hubs.md and RFC 9180 alone.

python3 Tests/Vectors/hub-keys.py > Tests/Vectors/hub-keys.json   (needs python3-cryptography)
"""

import base64
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SUITE = b"HPKE" + bytes.fromhex("001000010002")
KEM = b"KEM" + bytes.fromhex("0010")


def extract(suite, salt, label, material):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + material, hashlib.sha256).digest()


def expand(suite, key, label, info, count):
    return HKDFExpand(SHA256(), count, struct.pack(">H", count) + b"HPKE-v1" + suite + label + info).derive(key)


def point(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def seal(receiver, ephemeral, info, associated, plain):
    """RFC 9180 §4.1 (Encap), §5.1 (KeySchedule, mode base), §5.2 (Seal, the first message)."""
    shared = extract(KEM, b"", b"eae_prk", ephemeral.exchange(ec.ECDH(), receiver.public_key()))
    shared = expand(KEM, shared, b"shared_secret", point(ephemeral) + point(receiver), 32)
    context = b"\0" + extract(SUITE, b"", b"psk_id_hash", b"") + extract(SUITE, b"", b"info_hash", info)
    secret = extract(SUITE, shared, b"secret", b"")
    key, nonce = expand(SUITE, secret, b"key", context, 32), expand(SUITE, secret, b"base_nonce", context, 12)
    return AESGCM(key).encrypt(nonce, plain, associated)


def check(key, key_id, version):
    message = b"muster/key-check/v1" + key_id.encode() + struct.pack(">I", version)
    return hmac.new(key, message, hashlib.sha256).digest()[:16].hex()


def lines(*texts):
    return "".join(text + "\n" for text in texts).encode()


def b64(data):
    return base64.b64encode(data).decode()


receiver = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1())
ephemeral = ec.derive_private_key(0xFEDCBA0987654321, ec.SECP256R1())
der = receiver.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
name = hashlib.sha256(der).hexdigest()
ledger, hub, device = "plant.example/muster/k7", "hub_01k742sg05em2ra8s44mk2ea19", "dev_01k742sg01e40r21r81450p30d"
keys = [bytes(range(32)), bytes(range(100, 164))]
labels = [
    {"slot": slot, "version": version, "check": check(key, device, version)}
    for slot, version, key in zip(["primary", "secondary"], [3, 2], keys)
]
ciphertext = seal(
    receiver,
    ephemeral,
    lines("muster-hub-keys/v1", ledger, hub, name),
    lines(device, "meter-7", "1", *[f"{one['slot']} {one['version']} {one['check']}" for one in labels]),
    b"".join(bytes([len(key)]) + key for key in keys),
)
print(
    json.dumps(
        {
            "privateKey": receiver.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "ledger": ledger,
            "hub": hub,
            "device": device,
            "deviceID": "meter-7",
            "generation": 1,
            "labels": labels,
            "sealed": {
                "suite": "0x0010-0x0001-0x0002",
                "sealKey": name,
                "enc": b64(point(ephemeral)),
                "ciphertext": b64(ciphertext),
            },
            "keys": [b64(key) for key in keys],
        },
        indent=2,
    )
)
