"""The detectors against plain Python: real numbers, the same with one character altered, and what only looks alike."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import md5, sha1, sha256
from string import ascii_uppercase, digits

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import ARRAY

from privacy_audit.sql.detectors import Detector, detects
from tests.unit.sql.catalog.conftest import Ground

FOUND: dict[Detector, tuple[str, ...]] = {
    Detector.IBAN: (
        "FR7630006000011234567890189",
        "FR76 3000 6000 0112 3456 7890 189",
        "fr76 3000 6000 0112 3456 7890 189",
        "FR 7630006000 01-12345678901-89",
        "NO9386011117947",
        "BE68539007547034",
        "DE89 3704 0044 0532 0130 00",
        "MT84MALT011000012345MTLCAST001S",
        "LC55HEMM000100010012001200023015",
        "GB82-WEST-1234-5698-7654-32",
        "Merci de virer sur BE68 5390 0754 7034 avant lundi",
        "IBAN:FR76\u00a03000\u00a06000\u00a00112\u00a03456\u00a07890\u00a0189.",
        '{"bank": {"iban": "FR7630006000011234567890189", "bic": null}}',
        "FR7630006000011234567890188, ou FR7630006000011234567890189",
    ),
    Detector.NIR: (
        "255081416802538",
        "2 55 08 14 168 025 38",
        "1 84 12 76 451 089 46",
        "2-69-05-49-588-157-80",
        "269054958815780",
        "1 85 05 2A 004 012 " + f"{97 - 1850519004012 % 97:02}",
        "185052b004012" + f"{97 - 1850518004012 % 97:02}",
        "1 85 05 971 05 012 " + f"{97 - 1850597105012 % 97:02}",
        "NIR : 2 55 08 14 168 025 38 (assurée)",
        '["255081416802538"]',
    ),
    Detector.CARD: (
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "4222222222222",
        "6759649826438453",
        "CB 4111 1111 1111 1111 12/27 cvv 123",
        "CB 4111 1111 1111 1111 123",
        '{"pan":4111111111111111}',
        "rue de la Paix,4111111111111111,12/27",
    ),
    Detector.EMAIL: (
        "jeanne.dupont@example.com",
        "J.Dupont+news@mail.example.co.uk",
        "écrivez à zoé@exämple.fr, merci",
        "<o'neil@example.fr>",
        '{"to":"a@b.fr"}',
        "https://shop.example/welcome?user=ann%40example.org&x=1",
        "x@xn--bcher-kva.xn--p1ai",
        "Ann@Example.COM.",
    ),
    Detector.IP: (
        "192.0.2.17",
        "83.152.4.9/32",
        "from 83.152.4.9:443 at noon",
        "login from 83.152.4.9. Then nothing",
        "http://83.152.4.9/x",
        "2001:db8::1",
        "[2a01:e0a:1:2:3:4:5:6]:443",
        "fe80::1%eth0",
        "::ffff:83.152.4.9",
        "ip:2a01:e0a::5",
        "2A01:E0A:0:0::1/64",
        "timeout of 2001:db8::17: no answer",
        "82.64.1.2.rev.example.net",
    ),
    Detector.PHONE: (
        "+33612345678",
        "+33 6 12 34 56 78",
        "+33 (0)6 12 34 56 78",
        "+33.6.12.34.56.78",
        "0033 6 12 34 56 78",
        "06 12 34 56 78",
        "0612345678",
        "01.23.45.67.89",
        "06-12-34-56-78",
        "+1 415 555 0100",
        "+1-415-555-0100",
        "+44 (0)20 7946 0958",
        "+442079460958",
        "Tél. : 06 12 34 56 78, le soir",
        '{"phone":"+33612345678"}',
    ),
}
"""What each detector finds: whole values in every spelling, and within texts and documents."""

NOBODY: tuple[str, ...] = (
    "", " ", "0", "null", "{}", "[]", "a", "description", "N/A", "@", "a@b", "@everyone", "hello @ann.smith", "https://example.com/@ann.smith",
    "1.2.3", "v1.2.3.4", "10.0.19041.1", "2.0.0-rc.1", "1.0.0-alpha.beta+exp.sha.5114f85", "react@18.2.0",
    "@scope/pkg@1.2.3", "logo@2x.png", "1!2.0.post1", "Mozilla/5.0 (X11) Chrome/120.0.0.0 Safari/537.36",
    "1.3.6.1.4.1.311.21.8", "256.1.1.1", "1.2.3.4.5", "0.0.0.0", "1.2.3.999",  # noqa: S104
    "3.141592653589793", "2.718281828459045", "0.4111111111111111", "0,4111111111111111", "-73.98765432101234",
    "48.85661400000001", "1.7976931348623157e+308", "6.02214076e+23", "19.99", "1 234,56", "€1,234.50", "12 345 678,90",
    "4111111111111.11", "185057800608436.5", "+12345678.90", "+12.34567890", "+48.8566140+002.3522190/", "+1234567",
    "2026-11-24", "24/11/2026", "01-02-2026 03:04:05", "01.02.2026 03:04", "2026-01-02-03-04-05", "20261124T011530Z",
    "2026-11-24T01:15:30.123456+01:00", "2026-11-24 01:15:30+00", "2026:11:24 01:15:30", "01:15:30", "P1Y2M10DT2H30M",
    "00:1a:2b:3c:4d:5e", "std::vector", "fe::add", "a::date", "ff02::1", "::1", "ab:cd:ef:01:23:45:67:89:ab:cd:ef:01",
    "20:01:0d:b8:85:a3:00:00:8a:2e:03:70", "1732500000123", "1732500000123456", "FA20261124000123", "PO-2026-000123",
    "de 25 euros par mois ou plus", "AB12CDEF34567890123", "XX7630006000011234567890189", "4111 1111 1111 1112",
    "FR76300060000112345678901890", "FR7630006000011234567890189X", "XFR7630006000011234567890189",
    "4111111111111111a", "1234567812345670", "255081416802539", "155131416802571", "00612345678", "06123456789",
    "0f3c2b1a-7d2e-4c3b-be36-9a8b7c6d5e10", "0f3c2b1a-ad77-4c3b-9e12-9a8b7c6d5e11",
    "0012345678", "06 12-34.56 78",
)  # fmt: skip
"""Values in which no detector may find anything."""


def ask(connection: sa.Connection, values: Sequence[str | None], *only: Detector) -> dict[Detector, list[bool]]:
    """What the server says of each value, in one round trip."""
    asked = only or tuple(Detector)
    array = sa.cast(sa.literal(list(values), ARRAY(sa.Text())), ARRAY(sa.Text()))
    rows = sa.func.unnest(array).table_valued(sa.column("value", sa.Text()), with_ordinality="n").render_derived("v")
    said = sa.select(*(detects(detector, rows.c.value).label(detector.name) for detector in asked))
    answers = connection.execute(said.order_by(rows.c.n)).all()
    return {detector: [row[place] for row in answers] for place, detector in enumerate(asked)}


@pytest.mark.parametrize("detector", Detector)
def test_each_spelling_is_found(plain: sa.Connection, detector: Detector) -> None:
    values = FOUND[detector]
    missed = [value for value, found in zip(values, ask(plain, values, detector)[detector], strict=True) if not found]
    assert missed == []


def test_what_is_nobodys_is_not_found(plain: sa.Connection) -> None:
    answers = ask(plain, NOBODY)
    wrong = [(detector, value) for detector in Detector for value in _true(NOBODY, answers[detector])]
    assert wrong == []


def test_one_number_is_not_taken_for_another(plain: sa.Connection) -> None:
    values = [value for detector in (Detector.IBAN, Detector.NIR, Detector.CARD) for value in FOUND[detector]]
    answers = ask(plain, values)
    for detector in (Detector.IBAN, Detector.NIR, Detector.CARD):
        assert set(_true(values, answers[detector])) == set(FOUND[detector])


def test_a_null_is_false_and_so_is_any_type(plain: sa.Connection) -> None:
    assert ask(plain, [None, None]) == {detector: [False, False] for detector in Detector}
    typed = {
        '\'{"a": "x@y.fr"}\'::jsonb': Detector.EMAIL,
        "'83.152.4.9'::inet": Detector.IP,
        "4111111111111111::bigint": Detector.CARD,
        "255081416802538::numeric": Detector.NIR,
        "ARRAY['x', 'FR7630006000011234567890189']": Detector.IBAN,
        "ROW(1, '06 12 34 56 78')": Detector.PHONE,
    }
    for expression, detector in typed.items():
        assert plain.scalar(sa.select(detects(detector, sa.literal_column(expression)))) is True
    assert plain.scalar(sa.select(detects(Detector.NIR, sa.literal_column("NULL::jsonb")))) is False


def test_a_collation_of_its_own_is_no_obstacle(fresh: Ground) -> None:
    with fresh.owner.connect() as owner:
        odd = owner.scalar(
            sa.text("SELECT collname FROM pg_collation WHERE NOT collisdeterministic OR collprovider = 'i'")
        )
        for collation in {"C", "POSIX", "default", odd or "C"}:
            value = sa.collate(sa.literal("fr76 3000 6000 0112 3456 7890 189", sa.Text()), collation)
            assert owner.scalar(sa.select(detects(Detector.IBAN, value))) is True


# --- The oracle: each number by its own definition.


def is_iban(text: str) -> bool:
    bare = "".join(char for char in text if char.isalnum()).upper()
    value = int("".join(str(int(char, 36)) for char in bare[4:] + bare[:4]))
    return len(bare) == LENGTHS[bare[:2]] and value % 97 == 1


def is_nir(text: str) -> bool:
    bare = "".join(char for char in text if char.isalnum()).upper()
    number = int(bare[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(bare[13:])


def is_card(text: str) -> bool:
    """Nineteen digits in groups may be sixteen with the verification code behind them."""
    return _luhn(text) or (len(text) == 23 and _luhn(text[:19]))


def _luhn(text: str) -> bool:
    total = 0
    for place, char in enumerate(reversed([char for char in text if char.isdigit()])):
        total += sum(divmod(2 * int(char), 10)) if place % 2 else int(char)
    return total % 10 == 0


LENGTHS = {"FR": 27, "DE": 22, "NO": 15, "BE": 16, "ES": 24, "GB": 22, "MT": 31, "CH": 21, "PT": 25, "LC": 32, "MA": 28}
"""Of a few countries; the detector knows more."""
CARDS = {"4": (13, 16, 19), "51": (16,), "2221": (16,), "2720": (16,), "34": (15,), "36": (14,), "6011": (16,)}


def _iban(country: str, account: int, gap: str, lower: bool) -> str:
    size = LENGTHS[country] - 4
    body = "".join((ascii_uppercase + digits)[account // 36**place % 36] for place in range(size))
    check = 98 - int("".join(str(int(char, 36)) for char in f"{body}{country}00")) % 97
    spaced = _in_fours(f"{country}{check:02}{body}", gap)
    return spaced.lower() if lower else spaced


def _nir(sex: str, year: int, month: str, department: str, rest: int, gap: str) -> str:
    parts = [sex, f"{year:02}", month, department, f"{rest // 1000:03}", f"{rest % 1000:03}"]
    number = int("".join(parts).replace("2A", "19").replace("2B", "18"))
    return gap.join([*parts, f"{97 - number % 97:02}"])


def _card(kind: tuple[str, int], account: int, gap: str) -> str:
    issuer, size = kind
    body = f"{issuer}{account % 10 ** (size - len(issuer) - 1):0{size - len(issuer) - 1}}"
    return _in_fours(next(body + last for last in digits if _luhn(body + last)), gap)


def _in_fours(bare: str, gap: str) -> str:
    return gap.join(bare[start : start + 4] for start in range(0, len(bare), 4))


def _altered(value: str, first: int, place: int, by: int) -> str:
    """One digit is another one, from a place on: before it stands what makes the number plausible."""
    places = [n for n, char in enumerate(value) if char.isdigit() and n >= first]
    at = places[place % len(places)]
    return value[:at] + str((int(value[at]) + by) % 10) + value[at + 1 :]


def _perhaps_altered(numbers: st.SearchStrategy[str], first: int) -> st.SearchStrategy[str]:
    return numbers | st.builds(_altered, numbers, st.just(first), st.integers(0, 40), st.integers(1, 9))


GAPS = st.sampled_from(["", " ", "-"])
SIXTEEN = [(issuer, 16) for issuer, sizes in CARDS.items() if 16 in sizes]
IBANS = st.builds(
    _iban, st.sampled_from(sorted(LENGTHS)), st.integers(0, 36**28), GAPS | st.just("\u00a0"), st.booleans()
)
NIRS = st.builds(
    _nir,
    st.sampled_from("123478"),
    st.integers(0, 99),
    st.sampled_from(["01", "12", "20", "62", "99"]),
    st.sampled_from(["01", "75", "2A", "2B", "97", "99"]),
    st.integers(0, 999_999),
    GAPS | st.just("/"),
)
CARD_KINDS = [(issuer, size) for issuer, sizes in CARDS.items() for size in sizes]
CHECKED: dict[Detector, tuple[Callable[[str], bool], st.SearchStrategy[str], st.SearchStrategy[str]]] = {
    Detector.IBAN: (is_iban, *[_perhaps_altered(IBANS, 2)] * 2),
    Detector.NIR: (is_nir, *[_perhaps_altered(NIRS, 9)] * 2),
    Detector.CARD: (
        is_card,
        _perhaps_altered(st.builds(_card, st.sampled_from(CARD_KINDS), st.integers(0), GAPS), 5),
        _perhaps_altered(st.builds(_card, st.sampled_from(SIXTEEN), st.integers(0), GAPS), 5),
    ),
}
"""The oracle of a number; how it may stand alone; and how it is printed within a text."""


@pytest.mark.parametrize("detector", CHECKED)
@given(data=st.data())
def test_check_digits_as_python_counts_them(plain: sa.Connection, detector: Detector, data: st.DataObject) -> None:
    oracle, numbers, _ = CHECKED[detector]
    values = data.draw(st.lists(numbers, min_size=20, max_size=20))
    assert ask(plain, values, detector)[detector] == [oracle(value) for value in values]


@pytest.mark.parametrize("detector", CHECKED)
@given(data=st.data())
def test_within_a_text_as_alone(plain: sa.Connection, detector: Detector, data: st.DataObject) -> None:
    oracle, _, numbers = CHECKED[detector]
    values = data.draw(st.lists(numbers, min_size=20, max_size=20))
    texts = [_phrase(number, value) for number, value in enumerate(values)]
    assert ask(plain, texts, detector)[detector] == [oracle(value) for value in values]


def _phrase(number: int, value: str) -> str:
    return (f"Voici : {value}, merci.", json.dumps({"k": [value, None]}, ensure_ascii=False), f"({value})")[number % 3]


@given(st.lists(st.ip_addresses(), min_size=30, max_size=30))
def test_addresses_as_python_reads_them(plain: sa.Connection, addresses: list[ipaddress.IPv4Address]) -> None:
    assert ask(plain, [str(address) for address in addresses], Detector.IP)[Detector.IP] == [
        _is_someones(ip) for ip in addresses
    ]


_NETS = [ipaddress.ip_network(net) for net in ("2000::/3", "fc00::/7", "fe80::/10")]


def _is_someones(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped and "." in str(address):
        address = address.ipv4_mapped  # from Python 3.13 on it is written as what it stands for
    if isinstance(address, ipaddress.IPv4Address):
        return int(address) >> 24 != 0
    return any(address in net for net in _NETS)


@given(st.lists(st.text("0123456789abcdf:", max_size=24), min_size=30, max_size=30))
def test_only_what_python_reads_as_an_address(plain: sa.Connection, texts: list[str]) -> None:
    texts = [f"20{text}" for text in texts]
    assert ask(plain, texts, Detector.IP)[Detector.IP] == [_is_address(text) for text in texts]


def _is_address(text: str) -> bool:
    """Two colons in a row, or eight groups, from the first character to the last."""
    try:
        return _is_someones(ipaddress.ip_address(text))
    except ValueError:
        return False


@given(st.lists(st.emails().filter(lambda email: "/@" not in email), min_size=8, max_size=8))
def test_every_address_of_mail_is_found(plain: sa.Connection, emails: list[str]) -> None:
    """But those that end in a slash before the @: in https://example.com/@ann.smith it begins a page's name."""
    assert ask(plain, emails, Detector.EMAIL)[Detector.EMAIL] == [True] * len(emails)


MACHINE_MADE = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda uuid: uuid.hex),
    st.binary(min_size=1).map(lambda data: md5(data, usedforsecurity=False).hexdigest()),
    st.binary(min_size=1).map(lambda data: sha1(data, usedforsecurity=False).hexdigest().upper()),
    st.binary(min_size=1).map(lambda data: sha256(data).hexdigest()),
    st.tuples(*[st.integers(0, 300)] * 3).map(lambda parts: ".".join(map(str, parts))),
    st.floats(allow_nan=False).map(repr),
    st.floats(-180, 180).map(lambda value: f"{value:.15f}"),
    st.decimals(0, 10_000_000, places=2).map(str),
    st.integers(0, 10_000_000).map("{:,}".format),
    st.dates().map(str),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(str),  # noqa: DTZ001
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map("{:%d-%m-%Y %H:%M:%S}".format),  # noqa: DTZ001
)
"""What programs write and no person is in."""


@given(st.lists(MACHINE_MADE, min_size=50, max_size=50))
def test_what_programs_write_is_nobodys(plain: sa.Connection, values: list[str]) -> None:
    answers = ask(plain, values)
    assert [(detector, value) for detector in Detector for value in _true(values, answers[detector])] == []


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=20, max_size=20))
def test_no_text_raises(plain: sa.Connection, texts: list[str]) -> None:
    assert all(said in (True, False) for answers in ask(plain, texts).values() for said in answers)


@given(st.lists(st.text("0123456789ABF -.,+@:/", max_size=40), min_size=40, max_size=40))
def test_no_text_of_digits_raises(plain: sa.Connection, texts: list[str]) -> None:
    assert all(said in (True, False) for answers in ask(plain, texts).values() for said in answers)


def _true(values: Iterable[str], answers: Iterable[bool]) -> list[str]:
    return [value for value, found in zip(values, answers, strict=True) if found]
