"""Check digits of identity numbers that only a word near them tells from other digits."""

from __future__ import annotations

from security.leakage.validators.checksums import luhn, mod11_10, weighted
from security.leakage.validators.documented import EXAMPLE_SSNS
from security.leakage.validators.national_checks import is_date, is_short_date


def za_id(text: str) -> bool:
    """South Africa: a date, then Luhn."""
    return is_short_date(text) and luhn(text)


def pl_pesel(text: str) -> bool:
    """Poland: modulo 10 with weights 1 3 7 9."""
    return str(-weighted(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) == text[10]


def nl_bsn(text: str) -> bool:
    """The Netherlands: the eleven test."""
    return weighted(text, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def de_steuer_id(text: str) -> bool:
    """Germany: ISO 7064 MOD 11,10."""
    return text[0] != "0" and mod11_10(text)


def pt_nif(text: str) -> bool:
    """Portugal: modulo 11."""
    check = 11 - weighted(text, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return str(0 if check >= 10 else check) == text[8] and text != "123456789"


def tr_tckn(text: str) -> bool:
    """Türkiye: two check digits."""
    digits = [int(digit) for digit in text]
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and tenth == digits[9] and sum(digits[:10]) % 10 == digits[10]


def no_fodselsnummer(text: str) -> bool:
    """Norway: two modulo-11 digits."""
    return (
        weighted(text, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and weighted(text, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def dk_cpr(text: str) -> bool:
    """Denmark: a date; numbers since 2007 carry no check digit."""
    return is_date(2000 + int(text[4:6]), int(text[2:4]), int(text[:2]))


def ro_cnp(text: str) -> bool:
    """Romania: modulo 11."""
    rest = weighted(text, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return str(1 if rest == 10 else rest) == text[12]


def bg_egn(text: str) -> bool:
    """Bulgaria: modulo 11."""
    return str(weighted(text, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10) == text[9]


def cz_rodne_cislo(text: str) -> bool:
    """Czechia and Slovakia: ten digits are divisible by 11; women's months are 50 up."""
    month = int(text[2:4]) % 50
    return 1 <= month <= 32 and 1 <= int(text[4:6]) <= 31 and (len(text) == 9 or int(text) % 11 == 0)


def hr_oib(text: str) -> bool:
    """Croatia: ISO 7064 MOD 11,10."""
    return mod11_10(text)


def ee_isikukood(text: str) -> bool:
    """Estonia and Lithuania: modulo 11 in two rounds."""
    rest = weighted(text, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = weighted(text, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return str(rest) == text[10]


def gr_amka(text: str) -> bool:
    """Greece: a date, then Luhn."""
    return is_date(2000 + int(text[4:6]), int(text[2:4]), int(text[:2])) and luhn(text)


def ie_pps(text: str) -> bool:
    """Ireland: modulo 23; 1234567 is everybody's example."""
    total = weighted(text, (8, 7, 6, 5, 4, 3, 2))
    if len(text) == 9:
        total += (0 if text[8] == "W" else ord(text[8]) - 64) * 9
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == text[7] and text[:7] != "1234567"


def at_svnr(text: str) -> bool:
    """Austria: the fourth digit is the check."""
    return weighted(text, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(text[3])


def ca_sin(text: str) -> bool:
    """Canada: Luhn; 046 454 286 is the government's example."""
    return luhn(text) and text[0] not in "08" and text != "046454286"


def au_tfn(text: str) -> bool:
    """Australia, tax: modulo 11; 123 456 782 is the office's example."""
    return weighted(text, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and text != "123456782"


def au_medicare(text: str) -> bool:
    """Australia, health: modulo 10."""
    return weighted(text, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(text[8])


def il_id(text: str) -> bool:
    """Israel: Luhn from the left."""
    return luhn(text)


def jp_my_number(text: str) -> bool:
    """Japan: modulo 11."""
    total = weighted(text, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return str(0 if total <= 1 else 11 - total) == text[11]


def us_ssn(text: str) -> bool:
    """United States: areas, groups and serials that were given out; no check digit."""
    issued = text[:3] not in ("000", "666") and text[0] != "9" and text[3:5] != "00" and text[5:] != "0000"
    return issued and text not in EXAMPLE_SSNS


def nz_ird(text: str) -> bool:
    """New Zealand: modulo 11 in two rounds."""
    digits = text.rjust(9, "0")
    rest = -weighted(digits, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if rest == 10:
        rest = -weighted(digits, (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return str(rest) == digits[8]


def th_id(text: str) -> bool:
    """Thailand: modulo 11."""
    return text[0] != "0" and str((11 - weighted(text, tuple(range(13, 1, -1))) % 11) % 10) == text[12]


def my_kad(text: str) -> bool:
    """Malaysia: a date and a place of birth."""
    return is_short_date(text) and text[6:8] not in (
        "00",
        "17",
        "18",
        "19",
        "20",
        "69",
        "70",
        "73",
        "80",
        "81",
        "94",
        "95",
        "96",
        "97",
    )
