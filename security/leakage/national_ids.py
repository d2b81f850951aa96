"""Find identity numbers of many countries: a telling form with a right check digit, or a word that names the number."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from security.leakage.engine import Expression
from security.leakage.finding import DetectionType, Label, Severity
from security.leakage.scene import STEP, Scene
from security.leakage.validators import named_checks
from security.leakage.validators import national_checks as checks

_REACH = 70


@dataclass(frozen=True, slots=True)
class NationalId:
    """One kind of number. `context` is what must stand before it (nothing where the form alone is telling)."""

    kind: str
    form: str
    check: Callable[[str], bool]
    context: str = ""

    def handler(self) -> Callable[[Scene, int], None]:
        """Return what confirms a number of this kind at the end of a hit."""
        pattern = re.compile(
            rb"(?<![A-Za-z0-9])(?<![A-Za-z0-9][-.])" + self.form.encode() + rb"(?![A-Za-z0-9]|[-.][A-Za-z0-9])"
        )
        context = re.compile(b"(?i)" + self.context.encode()) if self.context else None
        label = Label(DetectionType.PERSONAL, self.kind, Severity.HIGH, 0.9, 16)
        check = self.check

        def confirm(scene: Scene, end: int) -> None:
            match = pattern.search(scene.raw, max(0, end - 24), end + 1)
            if match is None:
                return
            if context and not context.search(scene.raw, max(0, match.start() - _REACH), match.start()):
                return
            text = match[0].translate(None, b" -./").decode().upper()
            if len(set(text)) > 2 and check(text):
                scene.add(match.start(), match.end(), label)

        return confirm


def _always(_text: str) -> bool:
    return True


NATIONAL_IDS = (
    NationalId("es_dni", r"\d{8}[- ]?[A-HJ-NP-TV-Z]", checks.es_dni),
    NationalId("es_nie", r"[XYZ][- ]?\d{7}[- ]?[A-HJ-NP-TV-Z]", checks.es_dni),
    NationalId("it_codice_fiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", checks.it_codice_fiscale),
    NationalId(
        "fr_nir", r"[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}", checks.fr_nir
    ),
    NationalId("be_national_number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", checks.be_national_number),
    NationalId("se_personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", checks.se_personnummer),
    NationalId("fi_hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", checks.fi_hetu),
    NationalId("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", checks.br_cpf),
    NationalId("br_cnpj", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", checks.br_cnpj),
    NationalId("cl_rut", r"\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]", checks.cl_rut),
    NationalId("ar_cuit", r"(?:20|23|24|27|30|33|34)-\d{8}-\d", checks.ar_cuit),
    NationalId("ch_ahv", r"756\.\d{4}\.\d{4}\.\d{2}", checks.ch_ahv),
    NationalId("in_aadhaar", r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", checks.in_aadhaar),
    NationalId("in_pan", r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", _always, r"\bpan\b|income tax|permanent account"),
    NationalId("mx_curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", checks.mx_curp),
    NationalId("kr_rrn", r"\d{6}-[1-8]\d{6}", checks.kr_rrn),
    NationalId("cn_resident_id", r"[1-9]\d{5}(?:19|20)\d{9}[0-9Xx]", checks.cn_resident_id),
    NationalId("sg_nric", r"[STFGM]\d{7}[A-Z]", checks.sg_nric),
    NationalId("hk_id", r"[A-Z]{1,2}\d{6}\([0-9A]\)", checks.hk_id),
    NationalId("tw_id", r"[A-Z][1289]\d{8}", checks.tw_id),
    NationalId(
        "za_id",
        r"\d{13}",
        named_checks.za_id,
        r"\bid (?:no|number)|identity (?:no|number|doc)|south afric|\brsa id|\bsa id",
    ),
    NationalId("pl_pesel", r"\d{11}", named_checks.pl_pesel, r"pesel"),
    NationalId("nl_bsn", r"\d{9}", named_checks.nl_bsn, r"\bbsn\b|burgerservice|sofi"),
    NationalId(
        "de_steuer_id", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", named_checks.de_steuer_id, r"steuer|\btin\b|\bidnr\b|tax id"
    ),
    NationalId("pt_nif", r"\d{3} ?\d{3} ?\d{3}", named_checks.pt_nif, r"\bnif\b|contribuinte"),
    NationalId("tr_tckn", r"\d{11}", named_checks.tr_tckn, r"\btc\b|tckn|kimlik"),
    NationalId(
        "no_fodselsnummer",
        r"\d{6} ?\d{5}",
        named_checks.no_fodselsnummer,
        r"f(?:o|ø|oe)dselsn|personnummer|\bfnr\b|national id",
    ),
    NationalId("dk_cpr", r"\d{6}-\d{4}", named_checks.dk_cpr, r"\bcpr\b"),
    NationalId("ro_cnp", r"[1-8]\d{12}", named_checks.ro_cnp, r"\bcnp\b|cod numeric"),
    NationalId("bg_egn", r"\d{10}", named_checks.bg_egn, r"\begn\b|егн|ЕГН"),
    NationalId("cz_rodne_cislo", r"\d{6}/\d{3,4}", named_checks.cz_rodne_cislo, r"rodn|\brc\b|\br(?:č|Č)|birth n"),
    NationalId("hr_oib", r"\d{11}", named_checks.hr_oib, r"\boib\b"),
    NationalId(
        "ee_isikukood", r"[1-8]\d{10}", named_checks.ee_isikukood, r"isikukood|asmens kodas|personal code|national id"
    ),
    NationalId("gr_amka", r"\d{11}", named_checks.gr_amka, r"amka|αμκα"),
    NationalId("ie_pps", r"\d{7}[A-W][A-IW]?", named_checks.ie_pps),
    NationalId("at_svnr", r"\d{4} ?\d{6}", named_checks.at_svnr, r"svnr|sozialversicherung|\bsv-n"),
    NationalId("ca_sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", named_checks.ca_sin, r"\bsin\b|social insurance"),
    NationalId("au_tfn", r"\d{3} ?\d{3} ?\d{3}", named_checks.au_tfn, r"\btfn\b|tax file"),
    NationalId("au_medicare", r"[2-6]\d{3} ?\d{5} ?\d", named_checks.au_medicare, r"medicare"),
    NationalId("il_teudat_zehut", r"\d{9}", named_checks.il_id, r"teudat|israeli id|israel id|ת\.ז"),
    NationalId(
        "jp_my_number", r"\d{4}[ -]?\d{4}[ -]?\d{4}", named_checks.jp_my_number, r"my ?number|マイナンバー|個人番号"
    ),
    NationalId("us_ssn", r"\d{9}", named_checks.us_ssn, r"\bssn|social security"),
    NationalId("nz_ird", r"\d{2,3}[- ]?\d{3}[- ]?\d{3}", named_checks.nz_ird, r"\bird\b|inland revenue"),
    NationalId(
        "th_national_id", r"\d[- ]?\d{4}[- ]?\d{5}[- ]?\d{2}[- ]?\d", named_checks.th_id, r"thai|บัตรประชาชน|citizen id"
    ),
    NationalId(
        "my_kad",
        r"\d{6}-?\d{2}-?\d{4}",
        named_checks.my_kad,
        r"my ?kad|\bnric\b|malaysia|kad pengenalan|\bic (?:no|number)",
    ),
    NationalId("us_itin", r"9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}", _always, r"itin|taxpayer"),
    NationalId(
        "passport",
        r"(?:[A-Z]{1,3}[ ]?\d{6,8}|\d{7,9}|\d{2}[A-Z]{2}\d{5}|[A-Z0-9]{9})",
        checks.has_digits,
        r"pass(?:port|eport|aporte|aporto)|reisepass|\bpaspoort|pasaport",
    ),
    NationalId(
        "drivers_licence",
        r"[A-Z0-9]{1,5}[- ]?[A-Z0-9]{3,6}[- ]?[A-Z0-9]{3,8}",
        checks.mostly_digits,
        r"driv(?:er|ing)['’]?s? licen[cs]e(?: no\.?| number|:| #| is| id)|\bDL(?: no\.?|#|:)|f(?:ü|ue)hrerschein",
    ),
)


def detections() -> list[tuple[Expression, Callable[[Scene, int], None]]]:
    """Return each kind's trigger and handler; kinds that need a word near share that word as the trigger."""
    table = []
    for national in NATIONAL_IDS:
        handler = national.handler()
        if national.context:
            table.append(
                (Expression(f"(?:{_byte_pattern(national.context)})", caseless=True), _after_word(handler, national))
            )
        else:
            table.append((Expression(rf"(?:^|[^A-Za-z0-9]){national.form}(?:$|[^A-Za-z0-9])"), handler))
    return table


def _byte_pattern(pattern: str) -> str:
    return "".join(
        letter if letter.isascii() else "".join(f"\\x{byte:02x}" for byte in letter.encode()) for letter in pattern
    )


def _after_word(handler: Callable[[Scene, int], None], national: NationalId) -> Callable[[Scene, int], None]:
    pattern = re.compile(rb"(?<![A-Za-z0-9])" + national.form.encode() + rb"(?![A-Za-z0-9])")

    def look(scene: Scene, end: int) -> None:
        scene.budget.steps -= 2 * STEP
        limit = min(len(scene.raw), end + _REACH)
        paragraph = scene.raw.find(b"\n\n", end, limit)
        limit = paragraph if paragraph >= 0 else limit
        for match in pattern.finditer(scene.raw, end, limit):
            handler(scene, match.end())

    return look
