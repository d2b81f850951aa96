"""Check digits of identity numbers whose form is telling. Each takes letters and digits without separators."""

from __future__ import annotations

import datetime as dt

from security.leakage.validators.checksums import luhn, verhoeff, weighted

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CODICE_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            2,
            4,
            18,
            20,
            11,
            3,
            6,
            8,
            12,
            14,
            16,
            10,
            22,
            25,
            24,
            23,
        ),
        strict=True,
    )
)


def is_date(year: int, month: int, day: int) -> bool:
    """Tell whether this day exists."""
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def is_short_date(digits: str) -> bool:
    """Tell whether six digits are a year, month and day of this century or the last."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return is_date(2000 + year, month, day) or is_date(1900 + year, month, day)


def has_digits(text: str) -> bool:
    """Tell whether at least two digits are in the text."""
    return sum(letter.isdigit() for letter in text) >= 2


def mostly_digits(text: str) -> bool:
    """Tell whether the text has 7 letters or more, at least five of them digits."""
    return len(text) >= 7 and has_digits(text)


def es_dni(text: str) -> bool:
    """Spain: the letter is the number modulo 23."""
    digits = text[:-1].translate(str.maketrans("XYZ", "012"))
    return digits != "12345678" and _DNI_LETTERS[int(digits) % 23] == text[-1]


def it_codice_fiscale(text: str) -> bool:
    """Italy: odd and even places have tables of their own; RSSMRA85T10A562S is the example everybody prints."""
    total = sum(_CODICE_ODD[letter] if index % 2 == 0 else _even(letter) for index, letter in enumerate(text[:15]))
    return chr(65 + total % 26) == text[15] and text != "RSSMRA85T10A562S"


def _even(letter: str) -> int:
    return int(letter) if letter.isdigit() else ord(letter) - 65


def fr_nir(text: str) -> bool:
    """France: 97 less the number modulo 97."""
    return 97 - int(text[:13]) % 97 == int(text[13:])


def be_national_number(text: str) -> bool:
    """Belgium: 97 less the first nine modulo 97, with a leading 2 for those born since 2000."""
    nine, check = text[:9], int(text[9:])
    return check in (97 - int(nine) % 97, 97 - int("2" + nine) % 97) and int(text[2:4]) <= 12


def se_personnummer(text: str) -> bool:
    """Sweden: Luhn over the last ten digits, which begin with a date."""
    digits = text.replace("+", "")[-10:]
    return is_short_date(digits) and luhn(digits)


def fi_hetu(text: str) -> bool:
    """Finland: the letter is the number modulo 31."""
    digits = "".join(letter for letter in text[:-1] if letter.isdigit())
    return (
        len(digits) == 9
        and is_date(2000 + int(digits[4:6]), int(digits[2:4]), int(digits[:2]))
        and _HETU_LETTERS[int(digits) % 31] == text[-1]
    )


def br_cpf(text: str) -> bool:
    """Brazil: two modulo-11 digits."""
    return all(_br_digit(text[:n], range(n + 1, 1, -1)) == text[n] for n in (9, 10))


def br_cnpj(text: str) -> bool:
    """Brazil, companies: two modulo-11 digits with weights 2 to 9."""
    weights = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return _br_digit(text[:12], weights) == text[12] and _br_digit(text[:13], (6, *weights)) == text[13]


def _br_digit(digits: str, weights: range | tuple[int, ...]) -> str:
    rest = weighted(digits, tuple(weights)) % 11
    return str(0 if rest < 2 else 11 - rest)


def cl_rut(text: str) -> bool:
    """Chile: modulo 11 with weights 2 to 7 from the right, K for ten."""
    total = sum(int(digit) * (2 + index % 6) for index, digit in enumerate(reversed(text[:-1])))
    return "0123456789K0"[(11 - total % 11) % 11] == text[-1]


def ar_cuit(text: str) -> bool:
    """Argentina: modulo 11."""
    check = 11 - weighted(text, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return str({11: 0, 10: 9}.get(check, check)) == text[10]


def ch_ahv(text: str) -> bool:
    """Switzerland: the EAN-13 digit; 756.1234.5678.97 and 756.9217.0769.85 are printed everywhere."""
    total = weighted(text, (1, 3) * 6)
    return str(-total % 10) == text[12] and text not in ("7561234567897", "7569217076985")


def in_aadhaar(text: str) -> bool:
    """India: Verhoeff."""
    return verhoeff(text)


def mx_curp(text: str) -> bool:
    """Mexico: modulo 10 over a 37-letter alphabet."""
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(alphabet.index(letter) * (18 - index) for index, letter in enumerate(text[:17]))
    return str(-total % 10) == text[17]


def kr_rrn(text: str) -> bool:
    """South Korea: modulo 11."""
    return str((11 - weighted(text, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10) == text[12] and is_short_date(
        text
    )


def cn_resident_id(text: str) -> bool:
    """China: ISO 7064 MOD 11-2, with a date inside."""
    total = weighted(text[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return "10X98765432"[total % 11] == text[17] and is_date(int(text[6:10]), int(text[10:12]), int(text[12:14]))


def sg_nric(text: str) -> bool:
    """Singapore: modulo 11 with a table by first letter."""
    total = weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    if text[0] == "M":
        return "KLJNPQRTUWX"[10 - total % 11] == text[8]
    return ("JZIHGFEDCBA" if text[0] in "ST" else "XWUTRQPNMLK")[total % 11] == text[8]


def hk_id(text: str) -> bool:
    """Hong Kong: modulo 11 over letters and digits, the check in brackets."""
    body, check = text.split("(", maxsplit=1)[0], text.split("(")[1][0]
    values = [36] * (8 - len(body)) + [ord(letter) - 55 if letter.isalpha() else int(letter) for letter in body]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=False))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


def tw_id(text: str) -> bool:
    """Taiwan: the letter counts as two digits, modulo 10."""
    number = 10 + "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(text[0])
    total = number // 10 + number % 10 * 9 + weighted(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))
    return total % 10 == 0 and text != "A123456789"
