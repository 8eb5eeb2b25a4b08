"""Tokens, credentials and the variables that lead to them."""

import base64
import json

import pytest

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


def test_a_well_formed_assertion_of_a_service_account_is_accepted(office):
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({}, {"iss": "x"})
    ]
    assertion = ".".join([*parts, "c2ln"])
    granted = office.http.post("/token", data={"grant_type": JWT, "assertion": assertion})
    assert granted.json["access_token"] == office.token


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
    }
    local = {"google": "http://127.0.0.1:4711"}
    assert office.service.environment(local) == {
        "CLAWMARK_SHEETS_DRIVE_URL": "http://127.0.0.1:4711",
        "CLAWMARK_SHEETS_TOKEN_URL": "http://127.0.0.1:4711/token",
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
