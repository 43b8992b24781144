"""Certificates for the routers' ports and for servers behind them."""

import pathlib
import socket
import ssl
import subprocess


def make_certificate(folder: pathlib.Path, name: str = "router") -> pathlib.Path:
    """tls.crt and tls.key for localhost, self-signed; made elsewhere and moved there as an operator's tool would."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "new.key", "-out", folder / "new.crt"], check=True, capture_output=True)
    (folder / "new.key").replace(folder / "tls.key")
    (folder / "new.crt").replace(folder / "tls.crt")
    return folder


def shown(port: int, *protocols: str) -> tuple[str, str | None]:
    """The common name of the certificate that is shown at a port, and the protocol of `protocols` that was agreed on."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link, context.wrap_socket(link) as secure:
        certificate, agreed = secure.getpeercert(True), secure.selected_alpn_protocol()
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline"],
                          input=certificate, check=True, capture_output=True).stdout.decode()
    [name] = [line.partition("= ")[2] for line in text.splitlines() if "commonName" in line]
    return name, agreed
