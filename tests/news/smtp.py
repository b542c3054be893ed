"""A mail server on a real socket that keeps what it is given, and refuses or hangs up where a test says so."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class MailServer(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[EmailMessage] = []
        self.session_count = 0
        self.refused: set[str] = set()
        self.hangs_up_after_data = False
        self.thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def recipients(self) -> list[str]:
        return [str(mail["To"]) for mail in self.mails]

    def __enter__(self) -> MailServer:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()


class _Session(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.session_count += 1
        self._say("220 ready")
        while line := self.rfile.readline():
            verb = line.split(b":")[0].strip().upper()
            if verb == b"RCPT TO" and any(f"<{one}>".encode() in line for one in self.server.refused):
                self._say("550 nobody here")
            elif verb == b"DATA":
                self._say("354 go on")
                self._take()
                if self.server.hangs_up_after_data:
                    return
                self._say("250 kept")
            else:
                self._say("221 bye" if verb == b"QUIT" else "250 well")
                if verb == b"QUIT":
                    return

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
