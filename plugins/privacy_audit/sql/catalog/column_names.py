"""What the name of a column says of people, in English and in French.

A name is read by its words: `clientIP`, `client_ip` and `ClientIp` have two, `description` has no `ip` in it. Accents,
digits and case do not count, and a plural in s is its singular.
"""

from __future__ import annotations

import sqlalchemy as sa

MEANINGS: dict[str, tuple[str, ...]] = {
    "bank account": (
        "iban", "bic", "swift", "rib", "bban", "bank account", "account number", "compte bancaire", "numero compte",
        "bank details", "coordonnees bancaires",
    ),
    "payment card": (
        "card", "cardnumber", "pan", "cvv", "cvc", "cryptogramme", "carte", "carte bancaire", "credit card",
    ),
    "social security number": ("nir", "ssn", "nss", "social security", "securite sociale", "national id"),
    "identity document": ("passport", "passeport", "cni", "id card", "carte identite", "driving licence", "permis"),
    "health": (
        "health", "sante", "medical", "disability", "handicap", "diagnosis", "diagnostic", "blood", "allergy",
        "allergie", "pathology", "pathologie",
    ),
    "origin, belief or opinion": (
        "religion", "ethnicity", "ethnie", "race", "nationality", "nationalite", "political", "politique", "syndicat",
        "trade union", "sexual orientation",
    ),
    "password or secret": (
        "password", "passwd", "pwd", "passphrase", "mot de passe", "mdp", "token", "secret", "otp", "pin",
        "credential", "api key", "apikey",
    ),
    "e-mail": ("email", "mail", "e mail", "courriel", "mel", "mailbox", "emailaddress"),
    "telephone number": (
        "phone", "phonenumber", "tel", "telephone", "mobile", "portable", "fax", "msisdn", "gsm", "cellphone", "sms",
    ),
    "birth date": (
        "birth", "birthdate", "birthday", "birthyear", "born", "dob", "naissance", "datenaissance", "ddn", "age",
    ),
    "IP address": ("ip", "ipv", "ipaddress", "ipaddr", "remote addr", "mac address", "mac"),
    "position": (
        "lat", "latitude", "lon", "lng", "longitude", "geo", "geom", "geohash", "geolocation", "geolocalisation",
        "gps", "position", "location", "coord", "coordinate", "coordonnee",
    ),
    "postal address": (
        "address", "adresse", "addr", "street", "rue", "city", "ville", "commune", "zip", "zipcode", "postal",
        "postcode", "codepostal", "cp",
    ),
    "sex": ("sex", "sexe", "gender", "civilite", "salutation"),
    "income": ("salary", "salaire", "income", "revenu", "wage"),
    "image, voice or signature": (
        "photo", "avatar", "portrait", "selfie", "signature", "voice", "voix", "fingerprint", "biometric", "face",
    ),
    "cookie, session or device": (
        "cookie", "session", "device", "imei", "idfa", "gaid", "advertising id", "user agent", "useragent",
        "terminal",
    ),
    "account name": ("login", "username", "user name", "pseudo", "nickname", "identifiant", "handle"),
    "person's name": (
        "name", "nom", "prenom", "firstname", "lastname", "fullname", "surname", "forename", "patronyme", "maiden",
        "initials", "holder", "titulaire",
    ),
    "person": (
        "person", "personne", "people", "user", "userid", "utilisateur", "client", "clientid", "customer",
        "customerid", "contact", "prospect", "visitor", "visiteur", "member", "membre", "subscriber", "abonne",
        "adherent", "patient", "employee", "salarie", "guardian", "tuteur", "account id", "subject id", "owner id",
    ),
    "free text": (
        "comment", "commentaire", "remark", "remarque", "note", "message", "bio", "biography", "observation", "motif",
    ),
}  # fmt: skip
"""What a name says, to the words that say it; where several do, the first counts. Small letters, a blank between
words that stand together."""

_ACCENTED = "ÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖòóôõöÙÚÛÜùúûüÝýÿ"
_PLAIN = "AAAAAAaaaaaaCcEEEEeeeeIIIIiiiiNnOOOOOoooooUUUUuuuuYyy"
_BEYOND_ASCII = r"[^\x01-\x7f]"


def words_of(name: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The words of a name in small letters, a blank before, between and after them."""
    text: sa.ColumnElement[str] = sa.collate(name, "C")
    text = sa.case((text.regexp_match(_BEYOND_ASCII), _without_accents(name)), else_=text)
    for pattern, replacement in (
        ("([a-z])([A-Z])", r"\1 \2"),
        ("([A-Z])([A-Z][a-z])", r"\1 \2"),
        ("[^A-Za-z]+", " "),
    ):
        text = sa.func.regexp_replace(text, pattern, replacement, "g")
    return sa.func.lower(sa.func.concat(" ", text, " "))


def _without_accents(name: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The name in ASCII. Its letters are compared as the bytes of UTF-8, written in octal: a statement that holds a
    letter which the database's own encoding lacks is refused as a whole."""
    text: sa.ColumnElement[str] = sa.func.encode(sa.func.convert_to(sa.cast(name, sa.Text()), "UTF8"), "escape")
    for accented, plain in zip(_ACCENTED, _PLAIN, strict=True):
        text = sa.func.replace(text, "".join(f"\\{byte:03o}" for byte in accented.encode()), plain)
    other = r"(\\[0-7]{3})+"  # also an accent that stands apart from its letter
    return sa.collate(sa.func.regexp_replace(text, other, "", "g"), "C")


def said_by(words: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """What the words of a name say, of `MEANINGS`; null when they say nothing of people."""
    return sa.case(
        *((words.regexp_match(f" (?:{'|'.join(known)})s? "), meaning) for meaning, known in MEANINGS.items()),
        else_=sa.cast(sa.null(), sa.Text()),
    )
