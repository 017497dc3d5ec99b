"""The text of a SWML document, JSON or YAML, becomes JSON's values and nothing else.

YAML's aliases and tags are refused: SWML needs neither, an alias can make a gigabyte of a line
(merge keys copy), a tag can make any object. A key that occurs twice is refused too, as one of both
would be lost without a word. PyYAML and msgspec do the reading.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.errors import InvalidRequest, TooLarge

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 64 * 1024
"""as for every other request"""

MAX_INTEGER_BITS = 4096
"""some 1,200 digits; Python writes 4,300"""

_decode = msgspec.json.Decoder().decode


def read_json(raw: bytes) -> object:
    """Return a JSON document. Raises InvalidRequest `not_json`, TooLarge."""
    _verify_size(raw)
    try:
        return _decode(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the body is not JSON: {error}", code="not_json") from None


def read_yaml(raw: bytes) -> object:
    """Return a YAML document. Raises InvalidRequest `not_yaml`, TooLarge."""
    import yaml  # noqa: PLC0415  # 20 ms that only a document costs

    _verify_size(raw)
    try:
        return yaml.load(raw, _loader())  # noqa: S506  # it descends from the safe one
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        fact = " ".join(str(error).split())[:200]
        raise InvalidRequest(
            f"the body is not YAML as SWML has it: {fact}", code="not_yaml"
        ) from None


def _verify_size(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"the document has {len(raw)} bytes of at most {MAX_BYTES}")


@cache
def _loader() -> type[yaml.SafeLoader]:
    import yaml  # noqa: PLC0415  # as above

    class Loader(yaml.SafeLoader):
        """PyYAML's safe loader without aliases, tags, dates, double keys and endless integers."""

        # SWML has no dates: what looks like one is text, as in JSON.
        yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own attribute
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            """Return the next node."""
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's types have a gap
            if isinstance(event, yaml.AliasEvent):
                raise _refusal(event, "an alias")
            if getattr(event, "tag", None) is not None:
                raise _refusal(event, "a tag")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            """Return a mapping whose keys each stand once."""
            mapping = super().construct_mapping(node, deep=deep)
            if len(mapping) < len(node.value):
                raise _refusal(node, "a key that occurs twice")
            return mapping

        def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
            """Return an integer that can be written, too.

            Python limits the digits of decimal ones only: those that are hexadecimal, octal, binary
            or sexagesimal could be so long that a message with them fails.
            """
            number: int = super().construct_yaml_int(node)
            if number.bit_length() > MAX_INTEGER_BITS:
                raise _refusal(node, f"an integer of more than {MAX_INTEGER_BITS} bits")
            return number

    Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
    return Loader


def _refusal(where: yaml.Event | yaml.Node, what: str) -> yaml.YAMLError:
    import yaml  # noqa: PLC0415  # as above

    return yaml.YAMLError(f"{what} isn't taken\n{where.start_mark}")
