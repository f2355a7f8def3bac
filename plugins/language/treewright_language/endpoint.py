"""An OpenAI-compatible server: sends a request body, returns the text of the answer.

Knows addresses, keys and the client library; nothing of steps or trajectories.
"""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from treewright_language.http_status import judged
from treewright_language.loop_bound import LoopBound
from treewright_registry import CallFailed, ConfigurationError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Api: TypeAlias = Literal["chat", "completions"]

_VENDOR = "https://api.openai.com/v1"
_LONGEST_REASON = 400  # characters: a proxy's error page is not worth more


class Endpoint:
    """One server, asked through its chat or its completions API.

    Args:
        base_url: the server; ``None`` takes ``OPENAI_BASE_URL`` or else the vendor's own.
        api_key_env: environment variable that holds the key.

    Raises:
        ConfigurationError: the client library or the key is missing, or the address is none.
    """

    def __init__(self, base_url: str | None, api_key_env: str) -> None:
        variable = os.environ.get("OPENAI_BASE_URL")
        self._url = base_url or variable or _VENDOR
        check_address(self._url, "base_url" if base_url else "the environment variable OPENAI_BASE_URL")
        key = _key(api_key_env)
        # functions that know the key: unlike attributes they show it to nobody
        self._without_key: Callable[[str], str] = lambda text: text.replace(key, "***")
        self._clients = LoopBound(_client_maker(self._url, key))

    async def complete(self, api: Api, body: dict[str, Any]) -> str:
        """The response body to a request body, whatever it says.

        Raises:
            RetryLater: the server is busy, or sees too many requests.
            CallRefused: the server refuses the request for what it is.
            CallFailed: the server cannot be reached, or fails.
        """
        client = await self._clients.get()
        asked = client.chat.completions if api == "chat" else client.completions
        prompt = "messages" if api == "chat" else "prompt"
        own = {name: body[name] for name in ("model", prompt)}
        others = {name: value for name, value in body.items() if name not in own}
        # the client would refuse fields that it does not know; in ``extra_body`` all of them pass
        return await self._sent(asked.with_raw_response.create(**own, extra_body=others), body["model"])

    async def models(self, wanted: str) -> str:
        """The response body that lists the server's models; ``wanted`` is the one that errors speak of.

        Raises:
            CallFailed: as ``complete``.
        """
        client = await self._clients.get()
        return await self._sent(client.models.with_raw_response.list(), wanted)

    async def _sent(self, request: Awaitable[Any], model: str) -> str:
        try:
            answer = await request
            return str(answer.http_response.text)
        except Exception as error:  # the client and what lies beneath it raise many types
            reason, response = _reason(error), getattr(error, "response", None)
        # raised out here, so that the original, which may quote the key, is not chained to it
        failure = self.failure(model, reason)
        raise failure if response is None else judged(str(failure), response.status_code, response.headers, reason)

    def failure(self, model: str, reason: str) -> CallFailed:
        """An error that tells model and server, and never the key."""
        clean = self.without_key(reason)
        short = clean if len(clean) <= _LONGEST_REASON else f"{clean[:_LONGEST_REASON]}…"
        return CallFailed(f"model '{model}' at {self.place}: {short}")

    def without_key(self, text: str) -> str:
        """The text with the key blotted out."""
        return self._without_key(text)

    @property
    def place(self) -> str:
        """The server's address, without user, password and query."""
        url = urlsplit(self._url)
        return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"


def check_address(url: str, where: str) -> None:
    """Refuse what is no address of a server.

    Args:
        url: the address.
        where: what holds it, for the message.

    Raises:
        ConfigurationError: it has another scheme than http and https, no host, or no port where one should be.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        good = False
    if not good:
        shown = url.rpartition("@")[2].partition("?")[0]  # without user, password and query
        raise ConfigurationError(
            f"{where} is no address of a server: '{shown}'\n    write  http://HOST:PORT/v1  or  https://…"
        )


def _reason(error: Exception) -> str:
    """The server's own words if it answered at all, else the client's."""
    response = getattr(error, "response", None)
    if response is None:
        return f"{type(error).__name__}: {error}"
    return f"HTTP {response.status_code}: {response.text}"


def _key(variable: str) -> str:
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigurationError(
            f"the environment variable {variable} holds no API key\n"
            f"    set it: export {variable}=…   (any text for a server that asks for none)"
        )
    if not key.isascii() or any(character <= " " or character == "\x7f" for character in key):
        raise ConfigurationError(
            f"the key in the environment variable {variable} holds blanks, line breaks or characters outside ASCII,"
            " which no HTTP header can carry\n    copy it anew"
        )
    return key


def _client_maker(url: str, key: str) -> "Callable[[], AsyncOpenAI]":
    try:
        from openai import AsyncOpenAI
    except ImportError as error:
        raise ConfigurationError(
            f"language/openai needs the client library: {error}\n    install it: pip install 'treewright[language]'"
        ) from error

    def make() -> AsyncOpenAI:
        # the engine retries, with its own pauses and deadline
        return AsyncOpenAI(api_key=key, base_url=url, max_retries=0)

    return make
