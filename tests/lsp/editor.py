"""What an editor does with the server's answers: keeps texts, waits for diagnostics, applies edits to disk."""

import asyncio
import pathlib
import re
import urllib.parse

from lsprotocol import types
from pytest_lsp import LanguageClient

# A machine that builds something else at the same time is slow.
PATIENCE = 60


class Editor:
    """One workspace folder in one editor."""

    def __init__(self, client: LanguageClient, root: pathlib.Path, encoding: str = "utf-16"):
        self.client = client
        self.root = root
        self.encoding = encoding
        self.versions: dict[str, int] = {}

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def text(self, name: str) -> str:
        return (self.root / name).read_text()

    def open(self, name: str) -> None:
        self.versions[name] = 1
        item = types.TextDocumentItem(uri=self.uri(name), language_id="sql", version=1, text=self.text(name))
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))

    def change(self, name: str, old: str, new: str) -> None:
        """Replaces the only occurrence of `old`, as an incremental edit, and saves."""
        text = self.text(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        start = text.index(old)
        self.versions[name] += 1
        change = types.TextDocumentContentChangePartial(
            range=types.Range(start=self.position(text, start), end=self.position(text, start + len(old))), text=new
        )
        document = types.VersionedTextDocumentIdentifier(uri=self.uri(name), version=self.versions[name])
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(text_document=document, content_changes=[change])
        )
        (self.root / name).write_text(text.replace(old, new))

    def position(self, text: str, offset: int) -> types.Position:
        before = text[:offset]
        line = before.count("\n")
        rest = before[before.rfind("\n") + 1 :]
        units = {"utf-8": len(rest.encode()), "utf-16": len(rest.encode("utf-16-le")) // 2, "utf-32": len(rest)}
        return types.Position(line=line, character=units[self.encoding])

    def offset(self, text: str, at: types.Position) -> int:
        lines = text.splitlines(keepends=True) or [""]
        if at.line >= len(lines):
            return len(text)
        line, wanted = lines[at.line], at.character
        width = {
            "utf-8": lambda c: len(c.encode()),
            "utf-16": lambda c: len(c.encode("utf-16-le")) // 2,
            "utf-32": lambda _: 1,
        }[self.encoding]
        at_char = 0
        while wanted > 0:
            wanted -= width(line[at_char])
            at_char += 1
        assert wanted == 0, "a position inside a character"
        return sum(map(len, lines[: at.line])) + at_char

    def place(self, name: str, needle: str) -> types.Position:
        """The middle of the first occurrence."""
        text = self.text(name)
        return self.position(text, text.index(needle) + len(needle) // 2)

    async def diagnostics(self, name: str, codes: set[str] | None = None) -> list[types.Diagnostic]:
        """The diagnostics of a file, once it has some of all these codes."""

        def found() -> list[types.Diagnostic] | None:
            shown = list(self.client.diagnostics.get(self.uri(name), []))
            there = {str(it.code) for it in shown}
            return shown if (codes <= there if codes else not shown) else None

        return await self.until(found, lambda: f"{codes} in {name}; shown: {self.client.diagnostics}")

    async def until(self, found, what):
        for _ in range(PATIENCE * 20):
            if (answer := found()) is not None:
                return answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"did not come: {what()}")

    async def hover(self, name: str, needle: str) -> str:
        params = types.HoverParams(
            text_document=types.TextDocumentIdentifier(uri=self.uri(name)), position=self.place(name, needle)
        )
        answer = await self.client.text_document_hover_async(params)
        assert answer is not None, f"no hover on {needle!r}"
        assert isinstance(answer.contents, types.MarkupContent)
        return answer.contents.value

    async def actions(self, name: str, needle: str) -> list[types.CodeAction]:
        at = self.place(name, needle)
        shown = list(self.client.diagnostics.get(self.uri(name), []))
        params = types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=self.uri(name)),
            range=types.Range(start=at, end=at),
            context=types.CodeActionContext(diagnostics=[it for it in shown if it.range.start.line == at.line]),
        )
        return list(await self.client.text_document_code_action_async(params) or [])

    async def choose(self, name: str, needle: str, title: str) -> list[str]:
        """Chooses the action whose title matches, and applies its edit to disk. Gives the names of new files."""
        offered = await self.actions(name, needle)
        matching = [it for it in offered if re.fullmatch(title, it.title)]
        assert len(matching) == 1, f"{title!r} among {[it.title for it in offered]}"
        action = matching[0]
        if action.edit is None and action.data is not None:
            action = await self.client.code_action_resolve_async(action)
        assert action.edit is not None
        return self.apply(action.edit)

    def apply(self, edit: types.WorkspaceEdit) -> list[str]:
        new: list[str] = []
        for uri, edits in (edit.changes or {}).items():
            new += self.apply_text(uri, list(edits), may_create=True)
        creates = set()
        for it in edit.document_changes or []:
            if isinstance(it, types.CreateFile):
                path = self.path(it.uri)
                assert not path.exists(), f"{path} is there already"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")
                creates.add(it.uri)
                new.append(str(path.relative_to(self.root)))
            else:
                assert isinstance(it, types.TextDocumentEdit)
                text_edits = [e for e in it.edits if isinstance(e, (types.TextEdit, types.AnnotatedTextEdit))]
                may_create = it.text_document.uri not in creates
                new += self.apply_text(it.text_document.uri, text_edits, may_create)
        self.client.workspace_did_change_watched_files(
            types.DidChangeWatchedFilesParams(
                changes=[types.FileEvent(uri=self.uri(it), type=types.FileChangeType.Created) for it in new]
            )
        )
        return new

    def apply_text(self, uri: str, edits: list, may_create: bool) -> list[str]:
        path = self.path(uri)
        new = not path.exists()
        assert may_create or not new
        text = "" if new else path.read_text()
        spans = [(self.offset(text, it.range.start), self.offset(text, it.range.end), it.new_text) for it in edits]
        for start, end, insert in sorted(spans, reverse=True):
            text = text[:start] + insert + text[end:]
        name = str(path.relative_to(self.root))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if name in self.versions:
            self.versions[name] += 1
            document = types.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[name])
            whole = [types.TextDocumentContentChangeWholeDocument(text=text)]
            self.client.text_document_did_change(
                types.DidChangeTextDocumentParams(text_document=document, content_changes=whole)
            )
        return [name] if new else []

    def path(self, uri: str) -> pathlib.Path:
        return pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(uri).path))
