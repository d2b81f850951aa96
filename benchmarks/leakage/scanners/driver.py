"""Run one of the other scanners on the texts of a file; executed by the Python of that scanner's environment.

python driver.py kingfisher texts.json found.json
"""

import json
import os
import sys
import tempfile
import time


def kingfisher():
    from kingfisher_sdk import Scanner

    scanner = Scanner(dedup=False)

    def scan(text):
        raw = text.encode("utf-8", "replace")
        spans = []
        for finding in scanner.scan(raw):
            if finding.visible:
                spans += _occurrences(text, finding.secret)
        return spans

    def timed(text):
        scanner.scan(text.encode("utf-8", "replace"))

    return scan, timed


def credsweeper():
    from credsweeper import CredSweeper
    from credsweeper.file_handler.byte_content_provider import ByteContentProvider

    sweeper = CredSweeper()

    def scan(text):
        sweeper.credential_manager.candidates.clear()
        provider = ByteContentProvider(text.encode("utf-8", "replace"))
        sweeper.credential_manager.set_credentials(sweeper.file_scan(provider))
        sweeper.post_processing(None)
        spans = []
        for candidate in sweeper.credential_manager.get_credentials():
            for line in candidate.line_data_list:
                spans += _occurrences(text, line.value)
        return spans

    return scan, scan


def detect_secrets():
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    folder = tempfile.mkdtemp()

    def scan(text):
        path = os.path.join(folder, "answer.txt")
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        secrets = SecretsCollection()
        with default_settings():
            secrets.scan_file(path)
        return [span for _, secret in secrets for span in _occurrences(text, secret.secret_value or "")]

    return scan, scan


def presidio(tuned=False):
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers()
    recognizers = [each for each in registry.recognizers if isinstance(each, PatternRecognizer)]
    # Tuned: what flags every date, link and number is left out, and faint matches do not count.
    noisy = {
        "DATE_TIME",
        "URL",
        "US_DRIVER_LICENSE",
        "US_BANK_NUMBER",
        "US_PASSPORT",
        "IN_PASSPORT",
        "AU_ABN",
        "AU_ACN",
        "IN_VOTER",
    }

    def scan(text):
        spans = []
        for recognizer in recognizers:
            entities = [name for name in recognizer.supported_entities if not (tuned and name in noisy)]
            results = recognizer.analyze(text, entities, None) if entities else ()
            spans += [(each.start, each.end) for each in results if not tuned or each.score >= 0.4]
        return spans

    return scan, scan


SCANNERS = {
    "kingfisher": kingfisher,
    "credsweeper": credsweeper,
    "detect-secrets": detect_secrets,
    "presidio": presidio,
    "presidio-tuned": lambda: presidio(tuned=True),
}


def _occurrences(text, value):
    spans = []
    place = text.find(value) if value else -1
    while place >= 0:
        spans.append((place, place + len(value)))
        place = text.find(value, place + 1)
    return spans


def _seconds(timed, text, rounds):
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        timed(text)
        best = min(best, time.process_time() - begun)
    return best


def _rate(timed, text, rounds):
    return len(text.encode("utf-8", "replace")) / _seconds(timed, text, rounds) / 1e6


def main(name, source, target):
    """Scan and time, and write what came of it."""
    with open(source, encoding="utf-8") as file:
        work = json.load(file)
    scan, timed = SCANNERS[name]()
    probe = _seconds(timed, work["answers"][0], 2)
    # A slow scanner is timed on less text.
    share = 1 if probe < 0.002 else 20
    answers = work["answers"][:: 5 if share > 1 else 1]
    times = sorted(_seconds(timed, text, 2) for text in answers)
    result = {
        "spans": [scan(text) for text in work["texts"]],
        "dense_mb_s": _rate(timed, work["dense"][: len(work["dense"]) // share], 3),
        "realistic_mb_s": _rate(timed, work["realistic"][: len(work["realistic"]) // share], 3),
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }
    with open(target, "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
