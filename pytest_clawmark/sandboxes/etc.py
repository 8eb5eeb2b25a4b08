"""The small files of a sandbox: a minimal `/etc`, and the certificates that clients trust."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

PASSWD = b"""root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = b"root:x:0:\nnogroup:x:65534:\n"
NSSWITCH = b"passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n"

# Where distributions keep the bundle of all authorities.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

# No one variable reaches every client: OpenSSL's users, requests, curl, httplib2 and Node each read another.
_TRUST_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTPLIB2_CA_CERTS",
    "NODE_EXTRA_CA_CERTS",
)

TOOLBOX = "/opt/toolbox"
HOSTNAME = "office"


def hosts(names: Mapping[str, str]) -> bytes:
    """The hosts file for {name: address}."""
    lines = ["127.0.0.1 localhost", f"127.0.0.1 {HOSTNAME}", *(f"{ip} {name}" for name, ip in names.items())]
    return "".join(line + "\n" for line in lines).encode()


def system_authorities() -> bytes:
    """The certificates that this machine trusts; empty where it keeps none in one file."""
    found = next((Path(path) for path in _BUNDLES if Path(path).is_file()), None)
    return found.read_bytes() if found else b""


def bundle(authority: bytes) -> bytes:
    """The machine's authorities and the run's."""
    return system_authorities().rstrip(b"\n") + b"\n" + authority


def trust(path: str) -> dict[str, str]:
    """Variables that make clients trust the bundle at `path`."""
    return dict.fromkeys(_TRUST_VARIABLES, path)


def environment(*, home: str, tmp: str, toolbox: str | None, user: str = "root") -> dict[str, str]:
    """A sandbox's own variables, without those of trust."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "PATH": f"{toolbox}/bin:{path}" if toolbox else path,
        "HOME": home,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "USER": user,
        "SHELL": "/bin/bash",
    }
