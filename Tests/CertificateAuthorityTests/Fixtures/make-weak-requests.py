#!/usr/bin/env python3
"""Makes the requests of weak RSA keys beside it. Each is signed by its key, where the key can sign at all, so that
nothing but the key's weakness can be why it is refused. Standard library alone; the primes are new each time."""
import hashlib
import math
import pathlib
import secrets

HERE = pathlib.Path(__file__).parent
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
RSA = bytes.fromhex("300d06092a864886f70d0101010500")


def tlv(tag, content):
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def is_prime(n):
    if any(n % p == 0 for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)):
        return False
    d, r = n - 1, 0
    while d % 2 == 0:
        d, r = d // 2, r + 1
    for _ in range(24):
        x = pow(secrets.randbelow(n - 3) + 2, d, n)
        if x in (1, n - 1):
            continue
        for _ in range(r - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def next_prime(n):
    n |= 1
    while not is_prime(n):
        n += 2
    return n


def prime(bits):
    return next_prime(secrets.randbits(bits) | 3 << (bits - 2))


def roca_prime():
    primorial = math.prod(p for p in range(2, 702) if all(p % d for d in range(2, p)))
    while True:
        k = secrets.randbits(1024 - primorial.bit_length()) | 3 << (1022 - primorial.bit_length())
        candidate = k * primorial + pow(65537, secrets.randbits(256), primorial)
        if candidate.bit_length() == 1024 and is_prime(candidate):
            return candidate


def request(name, primes, exponent=65537):
    n = math.prod(primes)
    phi = math.prod(p - 1 for p in primes)
    key = tlv(0x30, RSA + tlv(0x03, b"\0" + tlv(0x30, integer(n) + integer(exponent))))
    subject = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403") + tlv(0x0c, b"weak"))))
    info = tlv(0x30, integer(0) + subject + key + b"\xa0\0")
    size = (n.bit_length() + 7) // 8
    digest = SHA256 + hashlib.sha256(info).digest()
    padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    private = pow(exponent, -1, phi) if math.gcd(exponent, phi) == 1 else 3
    signature = pow(int.from_bytes(padded, "big"), private, n).to_bytes(size, "big")
    (HERE / f"{name}.der").write_bytes(tlv(0x30, info + SHA256_WITH_RSA + tlv(0x03, b"\0" + signature)))


def coprime_prime(bits, exponent):
    while True:
        p = prime(bits)
        if math.gcd(p - 1, exponent) == 1:
            return p


request("rsa-roca", [roca_prime(), roca_prime()])
first = prime(1024)
request("rsa-close-primes", [first, next_prime(first + (1 << 500))])
request("rsa-small-factor", [3947, prime(1018), prime(1018)])
request("rsa-even-modulus", [2, prime(1023), prime(1024)])
request("rsa-exponent-3", [coprime_prime(1024, 3), coprime_prime(1024, 3)], 3)
request("rsa-exponent-even", [prime(1024), prime(1024)], 65538)
request("rsa-exponent-huge", [prime(1024), prime(1024)], (1 << 32) + 15)
request("rsa-1024", [prime(512), prime(512)])
request("rsa-2047", [next_prime((1 << 1023) + secrets.randbits(1020)), prime(1023)])
