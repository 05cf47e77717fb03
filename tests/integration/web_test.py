# SPDX-License-Identifier: Apache-2.0
"""Clients and web servers: policy, content and papers over HTTP and HTTPS, and from a web server to a share and back."""
import json
import os
import re
import shutil
import subprocess
import threading
import time

from lab import BUILD, PASSWORD, Lab, check, main, run, wait_until

AGENT = os.path.join(BUILD, "src/agent/berth-agent")
BERTH_SITE = os.path.join(BUILD, "src/sited/berth-site")
POINT = r"\\FS\distro_test"
WEB = "127.0.0.60"
L = None
SERVER = NGINX = None


def site(*args, input=None, ok=True):
    return L.berth(*args, "--site", path("site"), input=input, ok=ok)


def path(name):
    return os.path.join(L.directory, name)


def certificate(name, *options):
    done = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                "30", "-subj", "/CN=" + name, "-keyout", path(name + ".key"), "-out", path(name + ".pem")] + list(options))
    check(done.code == 0, repr(done))


def make_certificates():
    certificate("authority", "-addext", "basicConstraints=critical,CA:TRUE")
    certificate("web", "-CA", path("authority.pem"), "-CAkey", path("authority.key"), "-addext",
                "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:" + WEB)
    certificate("stranger", "-addext", "subjectAltName=IP:" + WEB)
    certificate("othername", "-CA", path("authority.pem"), "-CAkey", path("authority.key"), "-addext",
                "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:elsewhere")
    # One whose time is over, of the key and with the names of the good one.
    done = run(["openssl", "x509", "-in", path("web.pem"), "-signkey", path("web.key"), "-x509toreq", "-copy_extensions", "copyall",
                "-out", path("web.csr")])
    check(done.code == 0, repr(done))
    done = run(["openssl", "x509", "-req", "-in", path("web.csr"), "-CA", path("authority.pem"), "-CAkey", path("authority.key"), "-days",
                "-1", "-copy_extensions", "copyall", "-out", path("expired.pem")])
    check(done.code == 0, repr(done))
    shutil.copy(path("web.key"), path("expired.key"))
    # OpenSSL by itself takes little that is old; this lets it.
    with open(path("weak.cnf"), "w") as f:
        f.write("openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = weak\n"
                "[weak]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n")


def tree():
    return next(d for d, dirs, _ in os.walk(path("volume-FS")) if "pieces" in dirs and "metadata" in dirs)


def start_nginx():
    global NGINX
    tls = "".join("server { listen %s:%d ssl; ssl_certificate %s; ssl_certificate_key %s; root %s; %s}\n"
                  % (WEB, port, path(name + ".pem"), path(name + ".key"), tree(), more)
                  for port, name, more in ((443, "web", ""), (444, "stranger", ""), (445, "othername", ""), (446, "expired", ""),
                                           (447, "web", "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0; ")))
    temporary = "".join("%s_temp_path %s;\n" % (kind, path("web-" + kind))
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(path("nginx.conf"), "w") as f:
        f.write("daemon off; user root; worker_processes 1; pid %s; error_log %s;\nevents {}\nhttp {\n%saccess_log %s;\n"
                "server { listen %s:80; root %s; autoindex off;\n"
                "location /drop/ { limit_except PUT { deny all; } dav_methods PUT; client_max_body_size 256k; }\n"
                "location = /lock { deny all; } }\n"
                "server { listen %s:81; root %s; max_ranges 0; }\n"
                "server { listen %s:82; return 302 http://%s/; }\n"
                "%s}\n" % (path("nginx.pid"), path("nginx-errors"), temporary, path("nginx-access"), WEB, tree(), WEB,
                           tree(), WEB, WEB, tls))
    NGINX = subprocess.Popen(["nginx", "-e", path("nginx-errors"), "-c", path("nginx.conf")], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until("nginx listens", lambda: run(["ss", "-Hltn"]).out.count(WEB) == 8 or None)


def stop_nginx():
    NGINX.terminate()
    NGINX.wait(30)


def fetched():
    """What was asked of nginx, and how it answered: (method, name, status)."""
    with open(path("nginx-access")) as f:
        return re.findall(r'"([A-Z]+) (\S+) HTTP/1.1" (\d+)', f.read())


class Client:
    def __init__(self, name, *points, settings=""):
        self.name = name
        self.config, self.log, self.state = path(name + ".conf"), path(name + ".log"), path("state-" + name)
        with open(path("token-" + name), "w") as f:
            f.write(site("client", "token").out.strip())
        self.write(*points, settings=settings)

    def write(self, *points, settings=""):
        with open(self.config, "w") as f:
            f.write("[agent]\nstate = %s\nroot = %s\nname = %s\ntoken_file = %s\n%s\n"
                    % (self.state, path("root.json"), self.name, path("token-" + self.name), settings))
            for i, point in enumerate(points):
                f.write("[point %d]\n%s\n" % (i, point))

    def poll(self, ok=True, **env):
        with open(self.log, "a") as log:
            begin = log.tell()
            code = subprocess.call([AGENT, "--config", self.config, "once"], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, cwd="/", timeout=300, env=dict(os.environ, **env))
        with open(self.log) as f:
            f.seek(begin)
            text = f.read()
        check(not ok or code == 0, "%s: %s" % (code, text[-1500:]))
        return text

    def join(self):
        """Enrols, and is known after the next poll."""
        self.poll()
        site("client", "collect")
        site("site", "publish")
        return self.poll()


def url(at):
    return "url = " + at


def deploy(name, size=0):
    os.makedirs(path("source-" + name))
    with open(path("source-%s/install" % name), "w") as f:
        f.write("#!/bin/sh\necho ran >> " + path("ran-" + name) + "\n")
    os.chmod(path("source-%s/install" % name), 0o755)
    with open(path("source-%s/noise" % name), "wb") as f:
        f.write(os.urandom(size))
    site("package", "create", name, "--source", path("source-" + name))
    site("package", "program", name, "install", "--command", "install")
    site("package", "distribute", name)
    made = json.loads(site("deployment", "create", name, "install", "all", "--json").out)["deployment"]
    site("site", "publish")
    return made


def status(deployment, client):
    rows = json.loads(site("deployment", "status", deployment, "--json").out)
    return {r["name"]: r["state"] for r in rows}.get(client)


class Limit:
    """When so many bytes have come from there, all connections to it break, and new ones are refused."""

    def __init__(self, address, port, quota):
        self.address, self.port = address, str(port)
        self.over = False
        source = ["-p", "tcp", "-s", address, "--sport", self.port]
        self.rule(source + ["-m", "quota", "--quota", str(quota), "-j", "ACCEPT"])
        self.rule(source + ["!", "--tcp-flags", "RST", "RST", "-j", "DROP"])
        self.thread = threading.Thread(target=self.cut)

    def rule(self, words):
        check(run(["iptables", "-A", "OUTPUT"] + words).code == 0, "iptables")

    def cut(self):
        while not self.over:
            rules = run(["iptables", "-nvxL", "OUTPUT"]).out.splitlines()
            if any(r.split()[2] == "DROP" and int(r.split()[0]) for r in rules[2:]):
                self.rule(["-p", "tcp", "-d", self.address, "--dport", self.port, "-j", "REJECT", "--reject-with",
                           "tcp-reset"])
                run(["ss", "-K", "dst", self.address, "dport", "=", self.port])
                return
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        run(["iptables", "-F", "OUTPUT"])


def test_start():
    """a distribution point, its files behind a web server, and a site"""
    global L, SERVER
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.user("FS", "publisher", admin=True)
    L.user("FS", "client")
    site("site", "init", "--code", "P01")
    site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
    site("site", "set", "account=publisher", "clients_round_s=0")
    site("site", "add-dp", POINT)
    site("collection", "add", "all", "--query", "true")
    site("site", "publish")
    with open(path("root.json"), "w") as f:
        f.write(site("site", "client-root").out)
    with open(path("password"), "w") as f:
        f.write(PASSWORD + "\n")
    with open(path("berth-site.log"), "ab") as log:
        SERVER = subprocess.Popen([BERTH_SITE, "--site", path("site")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  cwd="/")
    make_certificates()
    start_nginx()


def test_http():
    """a client that reaches a web server only fetches policy and content, runs it, and says where its reports cannot go"""
    deployment = deploy("plain", 300000)
    client = Client("plain", url("http://%s/" % WEB))
    text = client.poll()
    check("enrolment not dropped" in text, text)
    client.write(url("http://%s/" % WEB) + "\nreports = yes")
    client.join()
    check(open(path("ran-plain")).read() == "ran\n", "it did not run once")
    site("client", "collect")
    check(status(deployment, "plain") == "succeeded", str(status(deployment, "plain")))
    asked = fetched()
    check(any(m == "PUT" and n.startswith("/drop/enrolment-") for m, n, _ in asked), "no enrolment came over HTTP")
    check(any(s == "206" for _, _, s in asked), "nothing was asked for in part")
    check(not any(m == "PUT" and not n.startswith("/drop/") for m, n, _ in asked), "something else was written")


def test_policy():
    """the policy sends clients to the web server, with their papers where it takes them and to the share where it does not"""
    site("site", "set-dp", POINT, "--web", "http://%s/" % WEB)
    site("site", "publish")
    share = "server = FS\nshare = distro_test\nhost = 127.0.0.50\nport = %d" % L.port
    settings = "user = client\npassword_file = " + path("password")
    client = Client("both", share, settings=settings)
    before = len(fetched())
    client.join()
    text = client.poll()
    check(not any(m == "PUT" for m, _, _ in fetched()[before:]), "a paper went where none is taken")
    check("not dropped" not in text, text)
    refused = site("site", "set-dp", POINT, "--web", "", "--web-drop", ok=False)
    check(refused.code and "needs a web address" in refused.text, repr(refused))
    own = Client("own", url("http://%s/" % WEB))
    text = own.poll()
    check("enrolment not dropped" in text and "http://%s takes no papers" % WEB in text.replace(WEB + "/", WEB), text)
    own.write(url("http://%s//" % WEB) + "\nreports = yes")
    text = own.poll()
    check("enrolment dropped" in text, text)
    site("site", "set-dp", POINT, "--web-drop")
    site("site", "publish")
    refusing = Client("refusing", url("http://%s/" % WEB) + "\nreports = no")
    text = refusing.poll()
    check("enrolment not dropped" in text, text)
    nobody = Client("nobody", share)
    text = nobody.poll(ok=False)
    check("as nobody: no user is set" in text, text)
    only = Client("only", url("http://%s/" % WEB))
    text = only.poll()
    check("enrolment dropped" in text, text)
    site("site", "set-dp", POINT, "--no-web-drop", "--web", "")
    site("site", "publish")


def test_https():
    """over HTTPS with the authority that it was given, and with no other, nor under another name, out of date or by an old TLS"""
    good = Client("tls", url("https://%s/" % WEB), settings="ca_file = " + path("authority.pem"))
    good.poll()
    check(os.path.exists(path("state-tls/trust")), "nothing is trusted")
    for settings, port, what in (("", 443, "certificate"), ("ca_file = " + path("authority.pem"), 444, "certificate"),
                                 ("ca_file = " + path("authority.pem"), 445, "127.0.0.60"),
                                 ("ca_file = " + path("authority.pem"), 446, "expired"),
                                 ("ca_file = " + path("authority.pem"), 447, "protocol version")):
        bad = Client("tls%d" % port, url("https://%s:%d/" % (WEB, port)), settings=settings)
        text = bad.poll(ok=False, **({"OPENSSL_CONF": path("weak.cnf")} if port == 447 else {}))
        check("does not answer" in text and what in text.lower(), "%d: %s" % (port, text))
        check("polled" not in text, text)


def test_redirect():
    """a redirection is not followed, and is said"""
    before = len(fetched())
    text = Client("moved", url("http://%s:82/" % WEB)).poll(ok=False)
    check("redirections are not followed" in text, text)
    check(len(fetched()) - before <= 2, str(fetched()[before:]))


def test_no_ranges():
    """a server that knows no ranges sends the whole, of which no more is taken than was asked for"""
    os.rename(path("ran-plain"), path("ran-before"))
    client = Client("whole", url("http://%s:81/" % WEB) + "\nreports = no", url("http://%s/" % WEB) + "\nreports = yes")
    before = len(fetched())
    client.join()
    check(open(path("ran-plain")).read() == "ran\n", "it did not run")
    check(any(s == "200" and n.startswith("/pieces/") for _, n, s in fetched()[before:]), "all was asked for in part")


def test_too_large():
    """a document that is larger than it may be is not read to its end"""
    with open(os.path.join(tree(), "site.json.large"), "wb") as f:
        f.truncate(50 << 20)
    os.rename(os.path.join(tree(), "site.json"), os.path.join(tree(), "site.json.kept"))
    os.rename(os.path.join(tree(), "site.json.large"), os.path.join(tree(), "site.json"))
    try:
        text = Client("large", url("http://%s:81/" % WEB)).poll(ok=False)
    finally:
        os.unlink(os.path.join(tree(), "site.json"))
        os.rename(os.path.join(tree(), "site.json.kept"), os.path.join(tree(), "site.json"))
    check("does not answer" in text and "limit" in text, text)


def test_resume():
    """a download that breaks off goes on where it was, and asks for no piece twice that has come"""
    deploy("resumed", 6000000)
    client = Client("resumed", url("http://%s/" % WEB) + "\nreports = yes", settings="patience_s = 0")
    with Limit(WEB, 80, 3000000):
        client.join()
    check(not os.path.exists(path("ran-resumed")), "it cannot be whole")
    before = fetched()
    have = {f for _, _, files in os.walk(path("state-resumed/cache/pieces")) for f in files}
    check(have, "nothing has come")
    wait_for_retry(client)
    client.poll()
    check(open(path("ran-resumed")).read() == "ran\n", "it did not run")
    again = {os.path.basename(n) for _, n, _ in fetched()[len(before):] if n.startswith("/pieces/")}
    check(again and not again & have, "fetched again: %d of %d" % (len(again & have), len(have)))


def wait_for_retry(client):
    """What failed for now is tried again after a minute; that minute is over now."""
    with open(os.path.join(client.state, "state.json")) as f:
        state = json.load(f)
    for item in state["items"]:
        item["retry_at_s"] = min(item["retry_at_s"], 1)
    with open(os.path.join(client.state, "state.json"), "w") as f:
        json.dump(state, f)


def test_over():
    """in the middle of a download a share takes over from a web server, and a web server from a share"""
    share = "server = FS\nshare = distro_test\nhost = 127.0.0.50\nport = %d" % L.port
    web = url("http://%s/" % WEB)
    settings = "patience_s = 20\nuser = client\npassword_file = " + path("password")
    client = Client("over", share, web, settings=settings)
    site("site", "set-dp", POINT, "--web", "http://%s/" % WEB)
    client.join()
    for name, first, address, port in (("fromweb", web, WEB, 80), ("fromshare", share, "127.0.0.50", L.port)):
        deploy(name, 12000000)
        with open(os.path.join(client.state, "state.json")) as f:
            state = json.load(f)
        # The other point counts as slow, so that this one is asked first.
        state["answers"] = {POINT: 1 if first == share else 5000, "http://%s/" % WEB: 5000 if first == share else 1}
        with open(os.path.join(client.state, "state.json"), "w") as f:
            json.dump(state, f)
        before = len(fetched())
        with Limit(address, port, 4000000):
            text = client.poll()
        check(os.path.exists(path("ran-" + name)), "%s: it did not run: %s" % (name, text[-2000:]))
        over_web = sum(n.startswith("/pieces/") and s in ("200", "206") for _, n, s in fetched()[before:])
        total = len([f for _, _, files in os.walk(os.path.join(tree(), "pieces")) for f in files])
        check(0 < over_web < total, "%s: %d of %d pieces over the web" % (name, over_web, total))


def test_end():
    """everything stops in good order"""
    stop_nginx()
    SERVER.terminate()
    check(SERVER.wait(30) == 0, "berth-site")
    L.__exit__(None, None, None)


main([f for n, f in list(globals().items()) if n.startswith("test_")])
