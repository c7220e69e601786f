"""A server on loopback that speaks the part of the Hub's protocol that this course's libraries use.

`Hub(repositories)` serves model and dataset repositories made by code to the real `huggingface_hub`
client: a repository's description, its tree, and its files. As on the Hub, files in git come through
a relative redirect to a cache, and large ones (LFS) from another host, which must not see the
user's token; both have an ETag, a size and the commit that a branch stood for. There is no Xet.

The client reads `HF_ENDPOINT` when it is imported, so it runs in a process of its own, started with
`Hub.environment(home)`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

MAIN = "f" * 40  # the commit at the head of every repository's main branch
LARGE = (".safetensors", ".parquet", ".bin")  # what the Hub keeps in LFS


@dataclass
class Repository:
    """One repository: `make()` gives {path: bytes}, and is called when somebody first asks.

    Its files are the same in every commit. `commits` are the hashes it has besides MAIN; `gated`:
    only for users with access, which nobody here has; `cut`: paths whose download breaks off;
    `silent`: the connection is closed without an answer.
    """

    kind: str  # "models" or "datasets"
    name: str
    make: Callable[[], dict[str, bytes]]
    commits: tuple[str, ...] = ()
    gated: bool = False
    cut: tuple[str, ...] = ()
    silent: bool = False

    @cached_property
    def files(self) -> dict[str, bytes]:
        return self.make()

    def commit(self, revision: str) -> str | None:
        """The commit that a branch or a hash names, or None."""
        if revision == "main":
            return MAIN
        return revision if revision in (*self.commits, MAIN) else None

    def entry(self, path: str) -> dict:
        """What the tree says of a file or a folder."""
        if path not in self.files:
            return {"type": "directory", "oid": _git_id(path.encode()), "size": 0, "path": path}
        content = self.files[path]
        entry = {"type": "file", "oid": _git_id(content), "size": len(content), "path": path}
        if path.endswith(LARGE):
            entry["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 130}
        return entry

    def paths(self, under: str = "", recursive: bool = True) -> list[str]:
        """Files and folders below a folder, sorted."""
        found = set()
        for path in self.files:
            parts = path.split("/")
            found |= {"/".join(parts[:at]) for at in range(1, len(parts) + 1)}
        start = f"{under}/" if under else ""
        inside = [path for path in sorted(found) if path.startswith(start)]
        return [path for path in inside if recursive or "/" not in path[len(start) :]]


@dataclass
class Hub:
    """The server; use it in a `with` statement. `asked` lists (kind, repository, revision, what)."""

    repositories: list[Repository]
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    tokens_at_cdn: list[str] = field(default_factory=list)

    def __enter__(self):
        # Models are made here, in this process, and two clients may want one at the same time.
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def environment(self, home) -> dict[str, str]:
        """This process's environment with this hub as the Hub and an empty cache in `home`."""
        offline = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
        kept = {name: value for name, value in os.environ.items() if name not in offline}
        return kept | {
            "HF_ENDPOINT": f"http://localhost:{self.port}",
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": "hf_" + "x" * 34,  # of a user with no rights at all
            "SMOLCOURSE_PROFILE": "smol",
        }

    def find(self, kind: str, name: str) -> Repository | None:
        return next((r for r in self.repositories if (r.kind, r.name) == (kind, name)), None)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Refused(Exception):
    """An answer of the Hub that is an error: status, its code in X-Error-Code, and words."""

    def __init__(self, status: int, code: str, words: str, **headers: str):
        super().__init__(words)
        self.status, self.code, self.words, self.headers = status, code, words, headers


class _HungUp(Exception):
    """The request gets no answer at all."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.form = parse_qs(self.rfile.read(length).decode())
        address = urlsplit(self.path)
        self.query = parse_qs(address.query)
        # A revision such as refs/pr/1 comes with its slashes quoted: split first, unquote then.
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        try:
            self._route(parts)
        except _HungUp:
            self.close_connection = True
        except _Refused as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": error.words, **error.headers}
            self._send(error.status, {"error": error.words}, headers)

    def _route(self, parts: list[str]):
        match parts:
            case ["api", "resolve-cache", ("models" | "datasets") as kind, user, name, commit, *at]:
                self._file(self._repository(kind, f"{user}/{name}"), commit, "/".join(at))
            case ["api", ("models" | "datasets") as kind, user, name, *rest]:
                self._api(self._repository(kind, f"{user}/{name}"), rest)
            case ["datasets", user, name, "resolve", revision, *at]:
                self._resolve(self._repository("datasets", f"{user}/{name}"), revision, at)
            case [user, name, "resolve", revision, *at]:
                self._resolve(self._repository("models", f"{user}/{name}"), revision, at)
            case ["cdn", kind, user, name, *at]:
                self._from_cdn(self.hub.find(kind, f"{user}/{name}"), "/".join(at))
            case _:
                raise _Refused(
                    404, "NotFound", "Sorry, we can't find the page you are looking for."
                )

    def _repository(self, kind: str, name: str) -> Repository:
        found = self.hub.find(kind, name)
        if found is None:  # the Hub does not say whether it is missing or private
            raise _Refused(401, "RepoNotFound", "Repository not found")
        if found.silent:
            raise _HungUp
        with self.hub.lock:
            _ = found.files
        return found

    def _commit(self, found: Repository, revision: str, what: str) -> str:
        self.hub.asked.append((found.kind, found.name, revision, what))
        commit = found.commit(revision)
        if commit is None:
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _api(self, found: Repository, rest: list[str]):
        match rest:
            case [] | ["revision", _]:
                commit = self._commit(found, rest[1] if rest else "main", "info")
                self._send(200, self._description(found, commit))
            case ["tree", revision, *folder]:
                self._commit(found, revision, "tree")
                self._let_in(found)
                recursive = self.query.get("recursive", ["false"])[0].lower() == "true"
                under = "/".join(folder)
                paths = found.paths(under, recursive)
                if not paths:
                    raise _Refused(404, "EntryNotFound", f"{under} does not exist on {revision}")
                self._send(200, [found.entry(path) for path in paths])
            case ["paths-info", revision]:
                self._commit(found, revision, "paths")
                self._let_in(found)
                there = found.paths()
                wanted = [path.strip("/") for path in self.form.get("paths", [])]
                self._send(200, [found.entry(path) for path in wanted if path in there])
            case ["refs"]:
                main = {"name": "main", "ref": "refs/heads/main", "targetCommit": MAIN}
                self._send(200, {"branches": [main], "tags": [], "converts": []})
            case _:
                raise _Refused(
                    404, "NotFound", "Sorry, we can't find the page you are looking for."
                )

    def _description(self, found: Repository, commit: str) -> dict:
        return {
            "_id": _git_id(found.name.encode())[:24],
            "id": found.name,
            "author": found.name.split("/")[0],
            "sha": commit,
            "lastModified": "2025-02-06T00:00:00.000Z",
            "createdAt": "2024-10-31T00:00:00.000Z",
            "private": False,
            "gated": "manual" if found.gated else False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": [{"rfilename": path} for path in found.files],
        }

    def _let_in(self, found: Repository):
        if found.gated:
            words = f"Access to {found.kind[:-1]} {found.name} is restricted."
            raise _Refused(403 if "Authorization" in self.headers else 401, "GatedRepo", words)

    def _resolve(self, found: Repository, revision: str, parts: list[str]):
        """The address of a file: its commit, ETag and size, and where its bytes are."""
        path = "/".join(parts)
        commit = self._commit(found, revision, path)
        self._let_in(found)
        if path not in found.files:
            raise _Refused(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": commit})
        entry = found.entry(path)
        headers = {"X-Repo-Commit": commit, "X-Linked-Size": str(entry["size"])}
        where = f"{found.kind}/{found.name}"
        if "lfs" in entry:
            # By its number this machine is another host for the client, as the Hub's CDN is.
            headers["X-Linked-ETag"] = f'"{entry["lfs"]["oid"]}"'
            headers["Location"] = f"http://127.0.0.1:{self.hub.port}/cdn/{where}/{path}"
            self._send(302, b"", headers)
        else:
            headers["X-Linked-ETag"] = f'"{entry["oid"]}"'
            headers["Location"] = f"/api/resolve-cache/{where}/{commit}/{path}"
            self._send(307, b"", headers)

    def _file(self, found: Repository, commit: str, path: str):
        headers = {"X-Repo-Commit": commit, "ETag": f'"{found.entry(path)["oid"]}"'}
        self._send(200, found.files[path], headers)

    def _from_cdn(self, found: Repository, path: str):
        if "Authorization" in self.headers:
            self.hub.tokens_at_cdn.append(path)
        content = found.files[path]
        if path not in found.cut:
            return self._send(200, content, {"ETag": f'"{_sha256(content)}"'})
        # Half of it at the first time, nothing whenever the client wants to go on.
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if "Range" in self.headers else content[: len(content) // 2])
        self.close_connection = True

    def _send(self, status: int, body, headers: dict[str, str] | None = None):
        kind = "application/octet-stream"
        if not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), "application/json; charset=utf-8"
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
