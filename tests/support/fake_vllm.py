"""A small HTTP server on a Unix socket that answers like vLLM, for tests of the process around it.

Arguments: SOCKET [--crash LINE]. With --crash it writes LINE and ends with code 1 instead of serving.
"""

import json
import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Health, models, adapters, and one completion. State lives in the class: one server per process."""

    models = ["base"]  # noqa: RUF012

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self.reply(200, {"data": [{"id": name} for name in self.models], "pid": os.getpid()})
        else:
            self.reply(200 if self.path == "/health" else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/load_lora_adapter":
            if body["lora_name"] in self.models:
                return self.reply(400, {"error": {"message": "has already been loaded"}})
            self.models.append(body["lora_name"])
        elif self.path == "/v1/unload_lora_adapter":
            self.models.remove(body["lora_name"])
        return self.reply(200, {})

    def reply(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *arguments: object) -> None:
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    """Threads end with the process."""

    daemon_threads = True


if __name__ == "__main__":
    if "--crash" in sys.argv:
        sys.exit(sys.argv[-1])
    Server(sys.argv[1], Handler).serve_forever()
