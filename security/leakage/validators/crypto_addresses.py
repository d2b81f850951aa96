"""Checksums of cryptocurrency addresses: Base58Check, Bech32 (BIP 173 and 350), and Ethereum's (EIP-55)."""

from __future__ import annotations

import hashlib

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_CONSTANTS = (1, 0x2BC830A3)
_KECCAK_ROUNDS = 24
_MASK = (1 << 64) - 1


def base58check(address: str) -> bool:
    """Tell whether the last four bytes are the double SHA-256 of the rest, in Bitcoin's or Ripple's alphabet."""
    alphabet = _RIPPLE if address.startswith("r") else _BASE58
    number = 0
    for letter in address:
        digit = alphabet.find(letter)
        if digit < 0:
            return False
        number = number * 58 + digit
    if number.bit_length() > 200:
        return False
    decoded = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(decoded[:21]).digest()).digest()[:4] == decoded[21:]


def bech32(address: str) -> bool:
    """Tell whether the polynomial checksum over prefix and data is right."""
    lowered = address.lower()
    prefix, _, data = lowered.rpartition("1")
    if address not in (lowered, address.upper()) or any(letter not in _BECH32 for letter in data):
        return False
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    values += [_BECH32.index(letter) for letter in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate(_GENERATOR):
            check ^= factor if top >> bit & 1 else 0
    return check in _BECH32_CONSTANTS


def eip55(address: str) -> bool:
    """Tell whether the capitals of a mixed-case address follow from its hash."""
    digits = address.removeprefix("0x")
    hashed = keccak256(digits.lower().encode()).hex()
    return all(
        not letter.isalpha() or letter.isupper() == (int(nibble, 16) >= 8)
        for letter, nibble in zip(digits, hashed, strict=False)
    )


def keccak256(message: bytes) -> bytes:
    """Return the Keccak digest that Ethereum uses, which pads unlike SHA-3. Up to 135 bytes."""
    block = bytearray(message + b"\x01" + bytes(135 - len(message)))
    block[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for index in range(17):
        lanes[index % 5][index // 5] = int.from_bytes(block[index * 8 : index * 8 + 8], "little")
    _permute(lanes)
    return b"".join(lanes[index][0].to_bytes(8, "little") for index in range(4))


def _permute(lanes: list[list[int]]) -> None:
    register = 1
    for _ in range(_KECCAK_ROUNDS):
        parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        for x in range(5):
            mixed = parity[(x + 4) % 5] ^ _turned(parity[(x + 1) % 5], 1)
            for y in range(5):
                lanes[x][y] ^= mixed
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _turned(current, (step + 1) * (step + 2) // 2)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
        for exponent in range(7):
            register = (register << 1 ^ (register >> 7) * 0x71) % 256
            if register & 2:
                lanes[0][0] ^= 1 << ((1 << exponent) - 1)


def _turned(lane: int, by: int) -> int:
    by %= 64
    return (lane << by | lane >> (64 - by)) & _MASK
