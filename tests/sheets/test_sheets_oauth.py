"""Tokens, credentials and the variables that lead to them."""

import json

import pytest
from google.auth import jwt as google_jwt
from google.auth.crypt import RSASigner
from sheets_office import GOOGLE, Office

from clawmark_services.sheets import SheetsSpec

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def form(office, **changed):
    fields = {name: office.credentials[name] for name in ("client_id", "client_secret", "refresh_token")}
    return {"grant_type": "refresh_token", **fields, **changed}


@pytest.mark.parametrize("path", ["/token", "/o/oauth2/token", "/oauth2/v4/token"])
def test_the_refresh_token_gives_an_access_token(office, path):
    granted = office.http.post(path, data=form(office, scope="https://www.googleapis.com/auth/drive")).json
    assert granted["token_type"] == "Bearer"
    assert granted["expires_in"] > 3000
    assert granted["access_token"] == office.token


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"refresh_token": "wrong"}, 400, "invalid_grant"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": JWT, "assertion": "a.b.c"}, 400, "invalid_grant"),
        ({"grant_type": JWT, "assertion": ""}, 400, "invalid_grant"),
    ],
)
def test_other_grants_are_refused_in_oauths_words(office, changed, status, error):
    response = office.http.post("/token", data=form(office, **changed))
    assert (response.status_code, response.json["error"]) == (status, error)
    assert response.json["error_description"]


def robot(office):
    """The service account's file, as its clients read it."""
    return json.loads(office.service.home_files(GOOGLE)[".google/service_account.json"])


def assertion(office, *, without=(), key=None, **changed):
    file = robot(office)
    claims = {
        "iss": file["client_email"],
        "scope": "https://www.googleapis.com/auth/drive",
        "aud": file["token_uri"],
        "iat": 1_700_000_000,
        "exp": 1_700_003_600,
    } | changed
    signer = RSASigner.from_string(key or file["private_key"], file["private_key_id"])
    return google_jwt.encode(signer, {name: claims[name] for name in claims if name not in without}).decode()


def ask(office, signed):
    return office.http.post("/token", data={"grant_type": JWT, "assertion": signed})


def test_a_service_account_gets_a_token_of_its_own(office):
    granted = ask(office, assertion(office)).json
    assert granted["token_type"] == "Bearer"
    assert granted["access_token"] != office.token
    answer = office.http.get(
        "/drive/v3/files", headers={"Authorization": f"Bearer {granted['access_token']}"}
    )
    assert answer.status_code == 200


def test_an_assertion_itself_opens_the_apis_too(office):
    signed = assertion(office)
    answer = office.http.get("/drive/v3/files", headers={"Authorization": f"Bearer {signed}"})
    assert answer.status_code == 200
    forged = signed[:-8] + "AAAAAAAA"
    assert (
        office.http.get("/drive/v3/files", headers={"Authorization": f"Bearer {forged}"}).status_code == 401
    )


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"iss": "somebody@else.example"}, "invalid_grant", "Invalid grant: account not found"),
        ({"without": ["iss"]}, "invalid_grant", "Invalid JWT: iss field missing."),
        ({"aud": "https://elsewhere.example"}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"exp": 1_700_009_999}, "invalid_grant", "Invalid JWT: Token must be a short-lived token"),
        ({"without": ["exp"]}, "invalid_grant", "Invalid JWT: Token must be a short-lived token"),
        ({"without": ["scope"]}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
    ],
)
def test_an_assertion_that_claims_too_much_or_too_little_is_refused(office, changes, error, description):
    answer = ask(office, assertion(office, **changes))
    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert answer.json["error_description"].startswith(description)


def test_an_assertion_signed_with_another_key_is_refused(office):
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    answer = ask(office, assertion(office, key=pem))
    assert (answer.status_code, answer.json["error_description"]) == (400, "Invalid JWT Signature.")


def test_the_robots_key_is_the_processs_and_not_in_the_frozen_state(office):
    other = Office(seed=8)
    assert robot(office)["private_key"] == robot(other)["private_key"]
    assert robot(office)["client_email"] != robot(other)["client_email"]
    assert "PRIVATE" not in json.dumps(office.service.freeze())


def test_revoked_credentials_are_refused_everywhere_until_they_are_restored(office):
    robot_token = ask(office, assertion(office)).json["access_token"]
    office.service.author.revoke_access()
    assert office.send("GET", "/drive/v3/files").status_code == 401
    refused = office.http.post("/token", data=form(office))
    assert (refused.status_code, refused.json) == (
        400,
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
    )
    refused = ask(office, assertion(office))
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    frozen = office.service.freeze()
    office.service.author.restore_access("user")
    assert office.send("GET", "/drive/v3/files").status_code == 200
    headers = {"Authorization": f"Bearer {robot_token}"}
    assert office.http.get("/drive/v3/files", headers=headers).status_code == 401
    office.service.restore(frozen)
    assert office.send("GET", "/drive/v3/files").status_code == 401


def test_a_client_may_revoke_its_own_access_once(office):
    assert office.http.post("/revoke", data={"token": office.token}).json == {}
    again = office.http.post("/revoke", data={"token": office.token})
    assert (again.status_code, again.json["error"]) == (400, "invalid_token")
    assert office.send("GET", "/drive/v3/files").status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
@pytest.mark.parametrize("path", ["/v4/spreadsheets/x", "/drive/v3/files"])
def test_without_the_token_nothing_is_told(office, path, headers):
    response = office.http.get(path, headers=headers)
    assert response.status_code == 401
    assert response.json["error"]["status"] == "UNAUTHENTICATED"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_secret_reaches_the_audit(office):
    office.http.post("/token", data=form(office))
    office.http.get(f"/drive/v3/files?access_token={office.token}")
    written = json.dumps(office.audit)
    secrets = (office.token, office.credentials["refresh_token"], office.credentials["client_secret"])
    assert not any(secret in written for secret in secrets)
    assert [line["status"] for line in office.audit] == [200, 200]


def test_the_addresses_are_googles_own_inside_and_loopback_in_a_local_sandbox(office):
    inside = {"google": "https://sheets.googleapis.com"}
    assert office.service.environment(inside) == {
        "CLAWMARK_SHEETS_DRIVE_URL": "https://www.googleapis.com",
        "CLAWMARK_SHEETS_TOKEN_URL": "https://oauth2.googleapis.com/token",
        "GOOGLE_APPLICATION_CREDENTIALS": "{home}/.google/service_account.json",
    }
    local = {"google": "http://127.0.0.1:4711"}
    assert office.service.environment(local) == {
        "CLAWMARK_SHEETS_DRIVE_URL": "http://127.0.0.1:4711",
        "CLAWMARK_SHEETS_TOKEN_URL": "http://127.0.0.1:4711/token",
        "GOOGLE_APPLICATION_CREDENTIALS": "{home}/.google/service_account.json",
    }
    written = json.loads(office.service.home_files(local)[".google/credentials.json"])
    assert (written["type"], written["token_uri"]) == ("authorized_user", "http://127.0.0.1:4711/token")


def test_tokens_come_from_the_seed(office):
    other = type(office)(seed=8)
    same = type(office)(seed=office.seed)
    assert same.credentials == office.credentials
    assert not set(other.credentials.values()) & {office.credentials["refresh_token"], office.token}


def test_the_skill_names_what_an_agent_needs(office):
    text = office.service.skill()
    for needed in ("~/.google/credentials.json", "CLAWMARK_SHEETS_URL", "gspread"):
        assert needed in text


def test_the_declaration_is_a_value():
    assert SheetsSpec() == SheetsSpec()
    assert SheetsSpec().name == "sheets"
    assert SheetsSpec().to_json() == {"service": "sheets"}
