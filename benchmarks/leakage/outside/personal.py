"""Answers with one piece of personal data; identifiers are drawn until python-stdnum accepts them."""

from __future__ import annotations

import hashlib
import importlib
import random
import re

from faker import Faker

from benchmarks.leakage.outside.credentials import CLOSINGS, OPENINGS
from benchmarks.leakage.outside.fill import shape, words
from benchmarks.leakage.samples import Leak, Sample

_BARE = (
    "§",
    "Contact: §",
    "| @person@ | § |",
    "You can reach @person@ at §.",
    "(§)",
    '"value": "§"',
    "- §",
    "@person@, §, Lisbon",
    "<td>§</td>",
    "id=17 field=§ status=ok",
    "> §",
    "The record shows § for @person@.",
)
# name, stdnum module, shape, words beside it
_IDS = (
    (
        "us_ssn",
        "us.ssn",
        "<n:3>-<n:2>-<n:4>",
        ("SSN: §", "social security number §", "His SSN is §.", '"ssn": "§"', "§"),
    ),
    ("us_ssn_plain", "us.ssn", "<n:9>", ("SSN: §", "Social Security Number: §", "ssn=§")),
    ("us_itin", "us.itin", "9<n:2>-7<n:1>-<n:4>", ("ITIN: §", "taxpayer id (ITIN) §")),
    ("uk_nhs", "gb.nhs", "<n:3> <n:3> <n:4>", ("NHS number: §", "NHS No. §", "Patient NHS § was seen.")),
    ("de_idnr", "de.idnr", "<n:11>", ("Steuer-ID: §", "Steueridentifikationsnummer §", "tax ID (DE) §")),
    ("fr_nir", "fr.nir", "1<n:2>0<n:1>7<n:9>", ("NIR §", "numéro de sécurité sociale : §", "INSEE §")),
    ("es_dni", "es.dni", "<n:8><U:1>", ("DNI: §", "DNI §", "El DNI de @person@ es §")),
    ("es_nie", "es.nie", "X<n:7><U:1>", ("NIE: §", "NIE §")),
    ("it_cf", "it.codicefiscale", "<U:6><n:2>A<n:2>F205<U:1>", ("codice fiscale: §", "CF §", "§")),
    ("nl_bsn", "nl.bsn", "<n:9>", ("BSN: §", "burgerservicenummer §")),
    ("be_nn", "be.nn", "7<n:1>.0<n:1>.1<n:1>-<n:3>.<n:2>", ("rijksregisternummer §", "numéro national §", "NISS: §")),
    ("pl_pesel", "pl.pesel", "80<n:9>", ("PESEL: §", "PESEL §")),
    ("pt_nif", "pt.nif", "2<n:8>", ("NIF: §", "NIF §")),
    ("se_pnr", "se.personnummer", "19<n:6>-<n:4>", ("personnummer: §", "personnummer §")),
    ("fi_hetu", "fi.hetu", "1<n:1>0<n:1>7<n:1>-<n:3><U:1>", ("henkilötunnus: §", "HETU §")),
    ("no_fnr", "no.fodselsnummer", "1<n:1>0<n:1>7<n:6>", ("fødselsnummer: §", "fødselsnummer §")),
    ("dk_cpr", "dk.cpr", "1<n:1>0<n:1>7<n:1>-<n:4>", ("CPR: §", "CPR-nummer §")),
    ("ch_ahv", "ch.ssn", "756.<n:4>.<n:4>.<n:2>", ("AHV-Nr. §", "AHV: §", "AVS §")),
    ("at_vnr", "at.vnr", "<n:10>", ("Sozialversicherungsnummer: §", "SVNR §")),
    ("ie_pps", "ie.pps", "<n:7><U:1>", ("PPS number: §", "PPSN §")),
    ("gr_amka", "gr.amka", "1<n:1>0<n:1>7<n:6>", ("AMKA: §", "AMKA §")),
    ("ro_cnp", "ro.cnp", "180<n:10>", ("CNP: §", "CNP §")),
    ("bg_egn", "bg.egn", "75<n:8>", ("EGN: §", "ЕГН: §")),
    ("cz_rc", "cz.rc", "75<n:4>/<n:4>", ("rodné číslo: §", "RČ §")),
    ("tr_tckn", "tr.tckimlik", "<n:11>", ("TCKN: §", "T.C. Kimlik No: §")),
    ("br_cpf", "br.cpf", "<n:3>.<n:3>.<n:3>-<n:2>", ("CPF: §", "CPF §", "§")),
    ("ar_cuit", "ar.cuit", "20-<n:8>-<n:1>", ("CUIT: §", "CUIL §")),
    ("cl_rut", "cl.rut", "12.<n:3>.<n:3>-<n:1>", ("RUT: §", "RUT §")),
    ("mx_curp", "mx.curp", "<U:4>85011<n:1>HDFRRN0<n:1>", ("CURP: §", "CURP §")),
    ("in_aadhaar", "in_.aadhaar", "<n:4> <n:4> <n:4>", ("Aadhaar: §", "Aadhaar number §", "aadhaar no. §")),
    ("in_pan", "in_.pan", "<U:3>P<U:1><n:4><U:1>", ("PAN: §", "PAN card §")),
    ("cn_ric", "cn.ric", "11010519<n:2>0101<n:4>", ("身份证号：§", "resident ID §", "ID card number: §")),
    ("kr_rrn", "kr.rrn", "85010<n:1>-1<n:6>", ("주민등록번호: §", "RRN: §")),
    ("sg_nric", None, "S<n:7><U:1>", ("NRIC: §", "NRIC §")),
    ("my_nric", "my.nric", "85010<n:1>-10-<n:4>", ("MyKad: §", "NRIC (Malaysia) §")),
    ("th_pin", "th.pin", "1-<n:4>-<n:5>-<n:2>-<n:1>", ("Thai ID: §", "เลขบัตรประชาชน §")),
    ("za_id", "za.idnr", "85010<n:1>5<n:3>08<n:1>", ("South African ID: §", "ID number: §")),
    ("au_tfn", "au.tfn", "<n:3> <n:3> <n:3>", ("TFN: §", "tax file number §")),
    ("ca_sin", "ca.sin", "5<n:2> <n:3> <n:3>", ("SIN: §", "social insurance number §")),
    ("nz_ird", "nz.ird", "<n:9>", ("IRD number: §", "IRD: §")),
    ("il_id", "il.idnr", "<n:9>", ("Teudat Zehut: §", "Israeli ID §")),
    ("jp_my", "jp.in_", "<n:12>", ("マイナンバー：§", "My Number: §")),
    ("ee_ik", "ee.ik", "38501<n:6>", ("isikukood: §", "isikukood §")),
    ("hr_oib", "hr.oib", "<n:11>", ("OIB: §", "OIB §")),
    ("tw_id", None, "A1<n:8>", ("身分證字號 §", "Taiwan ID: §")),
    ("hk_id", None, "A<n:6>(<n:1>)", ("HKID: §", "HKID §")),
)
_LOCALES = (
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "sv_SE",
    "ja_JP",
    "en_IN",
    "en_AU",
)
_FAKERS: dict[str, Faker] = {}


def answers(source: random.Random, count: int) -> list[Sample]:
    """Return `count` answers, each with one value."""
    makers = (
        email_answer,
        email_answer,
        phone_answer,
        phone_answer,
        card_answer,
        card_answer,
        iban_answer,
        iban_answer,
        _identity,
        _identity,
        _identity,
        nino_answer,
        _ip,
        _wallet,
        _passport,
    )
    return [source.choice(makers)(source) for _ in range(count)]


def _planted(source: random.Random, surface: str, value: str, form: str) -> Sample:
    head, tail = (words(source, part) for part in surface.split("§", 1))
    if source.random() < 0.5:
        head = f"{source.choice(OPENINGS)}\n\n{head}"
        tail = f"{tail}\n\n{source.choice(CLOSINGS)}"
    return Sample(head + value + tail, (Leak("personal", form, len(head), len(head) + len(value)),), form)


def _faker(source: random.Random, locale: str) -> Faker:
    found = _FAKERS.setdefault(locale, Faker(locale))
    found.seed_instance(source.getrandbits(32))
    return found


def email_answer(source: random.Random) -> Sample:
    """Return an answer with one email."""
    made = _faker(source, source.choice(_LOCALES))
    name = re.sub(r"[^a-z0-9._+-]", "", made.user_name().lower()) or "kim"
    domain = source.choice(
        (
            "gmail.com",
            "outlook.com",
            "web.de",
            "orange.fr",
            "proton.me",
            "yahoo.co.jp",
            "brightfold.io",
            "mail.kestrel-labs.co.uk",
            "uni-graz.at",
            "bluefin.tech",
            "o2.pl",
        )
    )
    value = source.choice(
        (
            f"{name}@{domain}",
            f"{name}+news@{domain}",
            f"{name.capitalize()}.{made.random_int(1, 99)}@{domain}",
            f"{name}_x@{domain.upper()}",
            f"{name}.{source.choice('abc')}@{domain}",
        )
    )
    surface = source.choice(
        (*_BARE, "mailto:§", "<§>", "To: §", "email=§&x=1", "Mail an § geschickt.", "[mail](mailto:§)")
    )
    return _planted(source, surface, value, "email")


def phone_answer(source: random.Random) -> Sample:
    """Return an answer with one phone."""
    shapes = (
        "+1 415 <n1:3> <n:4>",
        "+1-212-<n1:3>-<n:4>",
        "(312) <n1:3>-<n:4>",
        "1 (650) <n1:3>-<n:4>",
        "+44 20 7<n:3> <n:4>",
        "+44 7911 <n:6>",
        "07911 <n:6>",
        "+49 30 <n1:8>",
        "+49 (0)89 <n1:7>",
        "+49 151 <n1:8>",
        "0151 <n1:8>",
        "+33 6 <n:2> <n:2> <n:2> <n:2>",
        "06 <n:2> <n:2> <n:2> <n:2>",
        "+34 612 <n:3> <n:3>",
        "+39 333 <n:7>",
        "+31 6 <n1:8>",
        "+48 601 <n:3> <n:3>",
        "+46 70 <n:3> <n:2> <n:2>",
        "+41 79 <n1:3> <n:2> <n:2>",
        "+43 664 <n1:7>",
        "+91 98<n:3> <n:5>",
        "+81 90-<n1:4>-<n:4>",
        "+86 138 <n:4> <n:4>",
        "+55 11 9<n1:4>-<n:4>",
        "+61 412 <n:3> <n:3>",
        "+353 85 <n1:3> <n:4>",
        "+972 52-<n1:3>-<n:4>",
        "+971 50 <n1:3> <n:4>",
        "+65 9<n:3> <n:4>",
        "+82 10-<n1:4>-<n:4>",
        "+27 82 <n1:3> <n:4>",
        "+52 55 <n1:4> <n:4>",
        "+14155<n1:2><n:4>",
        "+4915<n1:9>",
        "0033 6 <n:2> <n:2> <n:2> <n:2>",
    )
    template = source.choice(shapes).replace("<n1:", "<N:")
    value = re.sub(r"<N:(\d)>", lambda part: "".join(source.choices("23456789", k=int(part[1]))), template)
    value = shape(source, value)
    if value.startswith("+"):
        surface = source.choice((*_BARE, "Tel.: §", "call § now", "tel:§", "WhatsApp §"))
    else:
        surface = source.choice(
            (
                "phone: §",
                "Tel. §",
                "call me on §",
                "mobile: §",
                '"phone": "§"',
                "Phone number: §",
                "Handy: §",
                "Telefon §",
            )
        )
    return _planted(source, surface, value, f"phone:{template[:10]}")


def card_answer(source: random.Random) -> Sample:
    """Return an answer with one card."""
    prefix, length = source.choice(
        (
            ("4", 16),
            ("51", 16),
            ("5425", 16),
            ("2223", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("3530", 16),
            ("36", 14),
        )
    )
    digits = prefix + "".join(source.choices("0123456789", k=length - 1 - len(prefix)))
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    digits += str(-total % 10)
    groups = [digits[:4], digits[4:10], digits[10:]] if length in (14, 15) else re.findall("....", digits)
    value = source.choice((digits, " ".join(groups), "-".join(groups)))
    surface = source.choice(
        (*_BARE, "Card: §", "card number § exp 09/28 cvv 123", "VISA §", "charged to §", '"pan":"§"', "Kreditkarte §")
    )
    return _planted(source, surface, value, "card")


def iban_answer(source: random.Random) -> Sample:
    """Return an answer with one iban."""
    value = _faker(
        source,
        source.choice(
            ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "en_GB", "fi_FI", "no_NO", "de_AT", "de_CH", "pt_PT")
        ),
    ).iban()
    if source.random() < 0.5:
        value = " ".join(re.findall(".{1,4}", value))
    return _planted(
        source,
        source.choice((*_BARE, "IBAN: §", "Please transfer to § by Friday.", "Konto §", "iban=§")),
        value,
        "iban",
    )


def _identity(source: random.Random) -> Sample:
    name, module, template, surfaces = source.choice(_IDS)
    checker = importlib.import_module(f"stdnum.{module}") if module else None
    while True:
        value = shape(source, template)
        if name == "sg_nric":
            total = sum(int(digit) * weight for digit, weight in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
            value = value[:8] + "JZIHGFEDCBA"[total % 11]
        elif name == "tw_id":
            total = 1 + sum(int(digit) * weight for digit, weight in zip(value[1:9], range(8, 0, -1), strict=True))
            value = value[:9] + str(-total % 10)
        elif name == "hk_id":
            total = (
                36 * 9
                + 10 * 8
                + sum(int(digit) * weight for digit, weight in zip(value[1:7], range(7, 1, -1), strict=True))
            )
            check = -total % 11
            value = f"{value[:7]}({'A' if check == 10 else check})"
        if checker is None or checker.is_valid(value):
            return _planted(source, source.choice(surfaces), value, f"id:{name}")


def nino_answer(source: random.Random) -> Sample:
    """Return an answer with one nino."""
    value = source.choice(("AB", "CE", "JK", "PW", "SR", "YX")) + shape(source, "<n:6>") + source.choice("ABCD")
    if source.random() < 0.5:
        value = " ".join((value[:2], value[2:4], value[4:6], value[6:8], value[8]))
    surface = source.choice(
        ("NI number: §", "National Insurance number §", "NINO §", "§", "nino=§", "Her NI no. is §.")
    )
    return _planted(source, surface, value, "nino")


def _ip(source: random.Random) -> Sample:
    made = _faker(source, "en_US")
    value = made.ipv4_public() if source.random() < 0.7 else f"2a02:{made.hexify('^^^^:^^^^')}::{made.hexify('^^^')}"
    surface = source.choice(
        (
            "client ip §",
            "Login from § at 10:22",
            "ip=§",
            '§ - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 512',
            "X-Forwarded-For: §",
            "Her IP address is §.",
            "| @person@ | § |",
        )
    )
    return _planted(source, surface, value, "ip:v6" if ":" in value else "ip:v4")


def _wallet(source: random.Random) -> Sample:
    kind = source.randrange(3)
    if kind == 0:
        value, form = shape(source, "0x<x:40>"), "eth"
    else:
        alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        version, form = source.choice(((0, "btc"), (5, "btc3"), (48, "ltc"), (30, "doge"), (65, "trx")))
        payload = bytes([version]) + source.randbytes(20)
        payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        number, value = int.from_bytes(payload, "big"), ""
        while number:
            number, rest = divmod(number, 58)
            value = alphabet[rest] + value
        value = "1" * (len(payload) - len(payload.lstrip(b"\0"))) + value
    surface = source.choice(
        ("wallet: §", "Send it to §.", "BTC/ETH address §", "paid to § yesterday", "crypto wallet §")
    )
    return _planted(source, surface, value, f"wallet:{form}")


def _passport(source: random.Random) -> Sample:
    value = shape(source, source.choice(("<n:9>", "<U:1><n:8>", "C<A:8>", "<n:2><U:2><n:5>", "<U:2><n:7>")))
    surface = source.choice(
        (
            "Passport: §",
            "passport number §",
            "Passport No. §",
            "Her passport is §.",
            '"passport_number": "§"',
            "Reisepass §",
            "Reisepassnummer: §",
            "n° de passeport : §",
            "pasaporte §",
            "passport no: §, exp 2030",
        )
    )
    return _planted(source, surface, value, "passport")
