# SPDX-License-Identifier: Apache-2.0
"""Servers that speak TLS, and certificates for them, good and bad."""
import functools
import http.server
import os
import ssl
import subprocess
import threading


class Certificates:
    """An authority, whose certificate is laid into the directory "trusted", and what it signs; each is (certificate, key)."""

    def __init__(self, directory, trusted, name):
        self.directory, self.name, self.count = directory, name, 0
        os.makedirs(directory)
        self.authority = self.make("authority", self.request("authority"), ["basicConstraints=critical,CA:TRUE"])
        with open(os.path.join(trusted, "authority.pem"), "w") as f:
            f.write(open(self.authority[0]).read())

    def path(self, name):
        return os.path.join(self.directory, name)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def request(self, name):
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
                     "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
        return self.path(name + ".csr")

    def make(self, name, request, extensions, by=None, days=30):
        """By "by", or by itself."""
        with open(self.path(name + ".ext"), "w") as f:
            f.write("\n".join(extensions))
        signer = ["-CA", by[0], "-CAkey", by[1]] if by else ["-key", self.path(name + ".key")]
        self.openssl("x509", "-req", "-in", request, "-days", str(days), "-extfile", self.path(name + ".ext"), *signer,
                     "-out", self.path(name + ".pem"))
        return self.path(name + ".pem"), self.path(name + ".key")

    def server(self, by, name, usage, days):
        self.count += 1
        file = "server%d" % self.count
        extensions = ["basicConstraints=critical,CA:FALSE", "subjectAltName=DNS:" + name, "extendedKeyUsage=" + usage]
        return self.make(file, self.request(file), extensions, by, days)

    def good(self, name=None, usage="serverAuth", days=30):
        return self.server(self.authority, name or self.name, usage, days)

    def stranger(self):
        return self.server(None, self.name, "serverAuth", 30)


class TlsServer(http.server.ThreadingHTTPServer):
    """A web server at a port of its own; "asked": the first lines of all that was sent to it inside TLS. Old: 1.1 and nothing newer.

    "asks_of": an authority, a certificate of which it would like to see of clients, and does not insist on."""

    def __init__(self, address, handler, directory, certificate, is_old=False, asks_of=None):
        asked = self.asked = []
        self.connections = 0

        class Recorder(handler):
            def parse_request(self):
                asked.append(self.raw_requestline)
                return super().parse_request()

        super().__init__((address, 0), functools.partial(Recorder, directory=directory))
        self.port = self.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if is_old:
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        if asks_of:
            context.load_verify_locations(asks_of)
            context.verify_mode = ssl.CERT_OPTIONAL
        # The handshake is the business of the connection's own thread.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def handle_error(self, request, client_address):
        """A client that does not like the certificate leaves."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
