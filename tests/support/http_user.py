"""A user without a browser: a cookie, a session, and the page's own events over HTTP, as its script sends them."""

import json
import secrets
from typing import Any

import httpx

_PATIENCE = 300.0


class PageMap:
    """Where things are in the page: its events by what sets them off, and what their inputs stand at."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._components = {component["id"]: component for component in config["components"]}
        self._events = config["dependencies"]

    def event(self, element: str, kind: str) -> dict[str, Any]:
        """The event `kind` of the component with this id in the page."""
        return next(
            event
            for event in self._events
            if any(name == kind and self._called(number) == element for number, name in event["targets"])
        )

    def after(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event that follows another one."""
        return next(one for one in self._events if one["trigger_after"] == event["id"])

    def opening(self) -> list[dict[str, Any]]:
        """The events of a page that opens."""
        return [event for event in self._events if any(kind == "load" for _, kind in event["targets"])]

    def inputs(self, event: dict[str, Any], **given: Any) -> list[Any]:
        """What the page sends with an event: `given` values by component, for the others what they stand at."""
        return [given.get(self._called(number), self._stands_at(number)) for number in event["inputs"]]

    def _called(self, number: int | None) -> str:
        return self._components[number]["props"].get("elem_id") or "" if number in self._components else ""

    def _stands_at(self, number: int) -> Any:
        component = self._components[number]
        return component["props"].get("value", "" if component["type"] == "textbox" else None)


class HttpUser:
    """Opens the page and chats. `heard` is all that the server has said so far."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=_PATIENCE)
        self.heard = self._client.get("/", headers={"accept": "text/html"}).raise_for_status().text
        self._map = PageMap(self._client.get("/config").raise_for_status().json())
        self._session = ""
        self.open_page()

    @property
    def cookie(self) -> str:
        """What the server knows this user by."""
        return self._client.cookies["graft_user"]

    def open_page(self) -> str:
        """Open the page anew; what it shows at first, the list of conversations among it."""
        self._session = secrets.token_hex(8)
        return "".join(self._send(event) for event in self._map.opening())

    def ask(self, text: str) -> str:
        """Ask in the open conversation; everything that the server says to it."""
        asking = self._map.event("question", "submit")
        return self._send(asking, question=text) + self._send(self._map.after(asking))

    def export(self) -> dict[str, Any]:
        """All that is kept of this user."""
        answer = self._client.get("/mine/everything.json").raise_for_status()
        self.heard += answer.text
        return answer.json()

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def _send(self, event: dict[str, Any], **given: Any) -> str:
        body = {
            "data": self._map.inputs(event, **given),
            "fn_index": event["id"],
            "session_hash": self._session,
            "event_data": None,
        }
        said = self._queued(body) if event["queue"] else self._at_once(body)
        self.heard += said
        return said

    def _at_once(self, body: dict[str, Any]) -> str:
        return self._client.post("/gradio_api/run/predict", json=body).raise_for_status().text

    def _queued(self, body: dict[str, Any]) -> str:
        said = self._client.post("/gradio_api/queue/join", json=body).raise_for_status().text
        with self._client.stream("GET", f"/gradio_api/queue/data?session_hash={self._session}") as answers:
            for line in answers.iter_lines():
                said += f"{line}\n"
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") in {"process_completed", "unexpected_error"}:
                    assert message.get("success"), message
                    break
        return said
