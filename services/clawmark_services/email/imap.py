"""The reading port: pymap's IMAP4rev1 server over our store, with one audit line per command."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import ssl
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing

from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.sock import SocketInfoLocal
from pymap.concurrent import Subsystem
from pymap.config import BackendCapability, IMAPConfig
from pymap.context import connection_exit
from pymap.exceptions import ResponseError
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.parsing import Params
from pymap.parsing.command import Command, CommandAuth, CommandNoArgs, CommandSelect
from pymap.parsing.command.nonauth import AuthenticateCommand, LoginCommand
from pymap.parsing.command.select import CloseCommand, SearchCommand
from pymap.parsing.commands import Commands, InvalidCommand
from pymap.parsing.response import (
    CommandResponse,
    Response,
    ResponseCode,
    ResponseNo,
    ResponseOk,
    UntaggedResponse,
)
from pymap.selected import SelectedMailbox
from pysasl import SASLAuth
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import BuiltinHash

from clawmark_services.actor import acting_as
from clawmark_services.allowance import Allowance, Loan
from clawmark_services.context import Context, Exchange
from clawmark_services.email.folder_names import read_leniently
from clawmark_services.email.imap_fetch import FetchInOrder, UidFetchInOrder
from clawmark_services.email.imap_limits import (
    MeteredProtocol,
    Outgoing,
    count_sequences_once,
    match_folders_linearly,
)
from clawmark_services.email.imap_search import AnyCharset, UidAnyCharset, refused_charset, search_fully
from clawmark_services.email.imap_session import AnyLogin, ImapSession
from clawmark_services.email.store import MailStore
from clawmark_services.faults import UNPROCESSED, Fault, noting

APPEND_LIMIT = 64 * 1024 * 1024
LINE_LIMIT = 256 * 1024
SHOWN = 200

# RFC 5530.
_FAULTS = {
    "429": (b"LIMIT", b"Too many requests: try again later."),
    "500": (b"SERVERBUG", b"Internal error."),
}
_UNASKED = re.compile(rb"\{(\d{1,12})\+\}\r?\n\Z")

log = logging.getLogger(__name__)

_Answer = tuple[CommandResponse, SelectedMailbox | None]


class UnselectCommand(CommandNoArgs, CommandSelect):
    """RFC 3691."""

    command = b"UNSELECT"


class NamespaceCommand(CommandNoArgs, CommandAuth):
    """RFC 2342."""

    command = b"NAMESPACE"


class Dialect(Commands):
    """Everything that clients may say; what cannot be read at all is answered with BAD."""

    def parse(self, buf: memoryview, params: Params) -> tuple[Command, memoryview]:
        """A command; an invalid one for numbers of thousands of digits and brackets nested as deeply."""
        try:
            parsed: tuple[Command, memoryview] = super().parse(buf, params)
        except (RecursionError, ValueError):
            tag, _, rest = bytes(buf).partition(b" ")
            name = rest.split(maxsplit=1)[0].upper()
            kind = self.commands.get(name, UnselectCommand)
            return InvalidCommand(params.copy(tag=tag), None, name, kind), buf[0:0]
        return parsed


class Config(IMAPConfig):
    """Settings that read no environment, no host name and no certificate. Shared by all worlds."""

    def __init__(self) -> None:
        super().__init__(
            Namespace(),
            host=None,
            port=0,
            tls_enabled=False,
            reject_dnsbl=False,
            proxy_protocol=ProxyProtocolNoop(),
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            hash_context=BuiltinHash(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0,
            max_append_len=APPEND_LIMIT,
            bad_command_limit=20,
        )
        self._commands = Dialect()
        ours = (UnselectCommand, NamespaceCommand, AnyCharset, UidAnyCharset, FetchInOrder, UidFetchInOrder)
        for command in ours:
            self._commands.register(command)
        self._auth = SASLAuth.named([b"PLAIN", b"LOGIN"])

    @property
    def commands(self) -> Commands:
        """Everything that clients may say."""
        return self._commands

    @property
    def tls_auth(self) -> SASLAuth:
        """How clients may log in."""
        return self._auth

    @property
    def greeting(self) -> bytes:
        """The first line that clients see."""
        return b"IMAP4rev1 ready"

    @property
    def backend_capability(self) -> BackendCapability:
        """Extensions beyond those that pymap announces itself."""
        custom = [b"UNSELECT", b"NAMESPACE", b"SPECIAL-USE"]
        return BackendCapability(idle=True, object_id=True, multi_append=True, custom=custom)


class State(ConnectionState):
    """Answers commands; each one is an exchange."""

    def __init__(
        self, context: Context, store: MailStore, config: Config, hang_up: Callable[[], None]
    ) -> None:
        self._context, self._hang_up = context, hang_up
        self._accepting = AnyLogin(store, config, context.accounts, context.clock.now())
        super().__init__(self._accepting, config)
        self.line = ""

    async def do_command(self, cmd: Command) -> CommandResponse:
        """Any command but AUTHENTICATE, unless a fault is put in its way on purpose."""
        with acting_as("agent"):
            fault = self._context.meet()
        if fault is None:
            return await self._do_command(cmd)
        if fault.kind in UNPROCESSED:
            return self._unprocessed(cmd, fault)
        with noting(fault):
            response = await self._do_command(cmd)
        if fault.kind == "lost":
            self._cut()
        await asyncio.sleep(fault.seconds)
        return response

    def _unprocessed(self, cmd: Command, fault: Fault) -> CommandResponse:
        told = fault.kind in _FAULTS
        self._context.tell_unprocessed(*self._description(cmd), "NO" if told else fault.kind, fault)
        if not told:
            self._cut()
        code, text = _FAULTS[fault.kind]
        return ResponseNo(cmd.tag, text, ResponseCode.of(code))

    def _cut(self) -> None:
        self._hang_up()
        raise ConnectionError("cut on purpose")

    async def _do_command(self, cmd: Command) -> CommandResponse:
        refusal: ResponseError | None = None
        with acting_as("agent"), self._context.exchange(*self._description(cmd)) as exchange:
            self._set_moment(exchange)
            try:
                response = await super().do_command(cmd)
                exchange.status = _status(response)
            except ResponseError as error:
                # Refusals travel as exceptions, and an exchange takes any exception for a fault.
                refusal = error
                exchange.status = _status(error.get_response(cmd.tag))
        if refusal is not None:
            raise refusal
        return response

    async def do_authenticate(
        self, cmd: AuthenticateCommand | LoginCommand, creds: ServerCredentials | None
    ) -> CommandResponse:
        """AUTHENTICATE, or the second half of LOGIN."""
        if not isinstance(cmd, AuthenticateCommand):
            return await super().do_authenticate(cmd, creds)
        request = {"account": creds.authcid if creds else "", "mailbox": "", "command": "AUTHENTICATE"}
        with acting_as("agent"), self._context.exchange("imap.authenticate", request) as exchange:
            self._set_moment(exchange)
            response = await super().do_authenticate(cmd, creds)
            exchange.status = _status(response)
        return response

    async def do_close(self, cmd: CloseCommand) -> _Answer:
        """CLOSE; a folder opened read-only is closed without expunging (RFC 3501, 6.4.2)."""
        if self.selected.readonly:
            return await self.do_unselect(cmd)
        answer: _Answer = await super().do_close(cmd)
        return answer

    async def do_search(self, cmd: SearchCommand) -> _Answer:
        """SEARCH."""
        refusal = refused_charset(cmd)
        return (refusal, None) if refusal else await super().do_search(cmd)

    async def do_unselect(self, cmd: Command) -> _Answer:
        """UNSELECT."""
        self._selected = None
        return ResponseOk(cmd.tag, cmd.command + b" completed."), None

    async def do_namespace(self, cmd: Command) -> _Answer:
        """NAMESPACE: everything is the account's own."""
        response = ResponseOk(cmd.tag, cmd.command + b" completed.")
        response.add_untagged(UntaggedResponse(b'NAMESPACE (("" "/")) NIL NIL'))
        return response, None

    def _set_moment(self, exchange: Exchange) -> None:
        self._accepting.moment = exchange.at
        if isinstance(self._session, ImapSession):
            self._session.moment = exchange.at

    def _description(self, cmd: Command) -> tuple[str, dict[str, str]]:
        kind = cmd if isinstance(cmd, InvalidCommand) else _delegate(type(cmd))
        name = (kind.command_name if isinstance(kind, InvalidCommand) else kind.command) or b"invalid"
        request = {
            "account": self._session.owner if self._session else "",
            "mailbox": getattr(cmd, "mailbox", "") or (str(self._selected.lookup) if self._selected else ""),
            "command": self.line,
        }
        if isinstance(cmd, LoginCommand) or name.upper() == b"LOGIN":
            userid = getattr(cmd, "userid", b"")
            request.update(account=userid.decode("utf-8", "replace"), command="LOGIN")
        return "imap." + name.decode("ascii", "replace").lower(), request


class Connection(IMAPConnection):
    """One connection, which remembers the line that its command came in."""

    _line: bytes | None = None
    allowance: Allowance
    received: Loan

    async def read_command(self, state: ConnectionState) -> Command:
        """The next command; its first line without tag and literals goes to the audit."""
        self._line = None
        self.received.back()
        command = await super().read_command(state)
        if isinstance(state, State):
            state.line = _shown(self._line or b"")
        return command

    async def readline(self) -> memoryview:
        """A line, with the literals that a client sends without being asked for them."""
        line = await self._part()
        if self._line is None:
            self._line = bytes(line[: SHOWN * 2])
        while literal := _UNASKED.search(line):
            length = int(literal[1])
            if len(line) + length > APPEND_LIMIT:
                raise EOFError("the literals are longer than any command")
            line += await self.reader.readexactly(length)
            line += await self._part()
        return memoryview(line)

    async def _part(self) -> bytearray:
        try:
            part = bytearray(await self.reader.readline())
        except ValueError as error:
            raise EOFError("the line is longer than any command") from error
        if not part.endswith(b"\n"):
            raise EOFError
        return part

    async def write_response(self, resp: Response) -> None:
        """An answer, one untagged response after another: none is written before the client took the last."""
        outgoing = Outgoing(self.writer, self.allowance)
        try:
            for untagged in _untagged(resp):
                await untagged.async_write(outgoing)
                await outgoing.flush()
                await asyncio.sleep(0)
            if isinstance(resp, CommandResponse):
                Response.write(resp, outgoing)
            else:
                await resp.async_write(outgoing)
            await outgoing.flush()
        except ConnectionError as error:
            log.debug("the client went before its answer: %s", error)
        finally:
            outgoing.close()


def _untagged(response: Response) -> Sequence[UntaggedResponse]:
    """Those that go before a tagged response."""
    return getattr(response, "_untagged", ())


@functools.cache
def shared_config() -> Config:
    """One for all worlds: it holds nothing of any of them."""
    read_leniently()
    search_fully()
    count_sequences_once()
    match_folders_linearly()
    return Config()


def connection(context: Context, store: MailStore, allowance: Allowance) -> asyncio.BaseProtocol:
    """The protocol of a new connection; to be called on the serving loop."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_LIMIT, loop=loop)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        config = shared_config()
        client = SocketInfoLocal(writer, unique_id=b"")
        talk = Connection(config.commands, config, reader, writer, client)
        talk.allowance, talk.received = allowance, protocol.received
        try:
            async with AsyncExitStack() as stack:
                connection_exit.set(stack)
                stack.enter_context(closing(talk))
                await talk.run(State(context, store, config, writer.close))
        except ConnectionError as error:
            log.debug("connection lost: %s", error)
        except Exception:
            # The client has been told BYE; a fault of ours must not pass unnoticed.
            log.exception("IMAP session failed")

    protocol = MeteredProtocol(allowance, reader, converse, loop)
    return protocol


def _status(response: Response) -> str:
    return (response.condition or b"OK").decode()


def _delegate(kind: type[Command]) -> type[Command]:
    while kind.delegate:
        kind = kind.delegate
    return kind


def _shown(line: bytes) -> str:
    first = line.partition(b"\n")[0].strip().partition(b" ")[2]
    return first[:SHOWN].decode("utf-8", "replace")
