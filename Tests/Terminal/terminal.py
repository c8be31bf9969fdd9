"""Runs a program at a terminal of its own, answers it, and prints what the terminal showed. Ends with the program's status.

usage: terminal.py [--columns N] [--say TEXT ANSWER]... [--narrow TEXT N]... [--input FILE] [--errors FILE] [--detached] [--vendor] -- COMMAND...

--say     sends ANSWER when TEXT was shown; \\n, \\x03 and the like stand for themselves
--narrow  gives the terminal N columns when TEXT was shown
--input   is standard input instead of the terminal; --errors takes standard error
--detached: the terminal is standard input and error, but not the session's own, so that nobody can be asked at it
--vendor  answers in the vendor's place: a proxy that speaks for its hosts, with the certificate beside this file, and accepts each body
"""

import argparse
import fcntl
import http.server
import os
import pty
import select
import signal
import socket
import ssl
import struct
import sys
import termios
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


class Vendor(http.server.BaseHTTPRequestHandler):
    """A proxy that takes every CONNECT for a connection to itself."""

    protocol_version = "HTTP/1.1"
    hosts = []
    bodies = 0

    def do_CONNECT(self):
        Vendor.hosts.append(self.path.split(":")[0])
        self.send_response(200, "connected")
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(HERE, "vendor.pem"))
        with context.wrap_socket(self.connection, server_side=True) as secure:
            stream = secure.makefile("rb")
            while stream.readline():
                length = 0
                while (line := stream.readline().strip()):
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                if len(stream.read(length)) < length:
                    break
                Vendor.bodies += 1
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_):
        pass


def size(descriptor, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def child(options, terminal):
    """Becomes the command, at the terminal."""
    os.setsid()
    if not options.detached:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(terminal, descriptor)
    if options.input:
        os.dup2(os.open(options.input, os.O_RDONLY), 0)
    if options.errors:
        os.dup2(os.open(options.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    os.execvp(options.command[0], options.command)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--say", nargs=2, action="append", default=[])
    parser.add_argument("--narrow", nargs=2, action="append", default=[])
    parser.add_argument("--input")
    parser.add_argument("--errors")
    parser.add_argument("--detached", action="store_true")
    parser.add_argument("--vendor", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    os.environ["TERM"] = os.environ.get("AS_TERM", "xterm")
    if options.vendor:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ["https_proxy"] = "http://127.0.0.1:%d" % server.server_address[1]
        os.environ["SSL_CERT_FILE"] = os.path.join(HERE, "vendor.pem")
    master, slave = pty.openpty()
    size(slave, options.columns)
    process = os.fork()
    if process == 0:
        os.close(master)
        child(options, slave)
    os.close(slave)
    says = [(text.encode(), answer.encode().decode("unicode_escape").encode()) for text, answer in options.say]
    sizes = [(text.encode(), int(columns)) for text, columns in options.narrow]
    shown, seen = b"", 0
    while True:
        try:
            got = os.read(master, 65536)
        except OSError:
            got = b""
        if not got:
            break
        shown += got
        if says and (at := shown.find(says[0][0], seen)) >= 0:
            seen = at + len(says[0][0])
            os.write(master, says.pop(0)[1])
        if sizes and sizes[0][0] in shown:
            size(master, sizes.pop(0)[1])
    status = os.waitpid(process, 0)[1]
    sys.stdout.buffer.write(shown)
    if options.vendor:
        print("vendor: %d bodies for %s" % (Vendor.bodies, ", ".join(sorted(set(Vendor.hosts)))))
    sys.stdout.flush()
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


main()
