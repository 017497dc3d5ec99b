"""The OpenAPI document that the API serves is the generated one."""

from __future__ import annotations

from infra.openapi.document import TARGET, document, text


def test_the_served_document_is_up_to_date() -> None:
    """After a change of a schema, a path or a carrier's row, `make openapi` writes it again."""

    assert text() == TARGET.read_text("utf-8"), "run make openapi"


def test_every_schema_is_used_and_every_reference_has_its_schema() -> None:
    """No schema is left over, and none is missing."""

    whole = str(document())
    schemas = document()["components"]["schemas"]

    assert [] == [name for name in schemas if f"schemas/{name}'" not in whole]
    named = {part.split("'", 1)[0] for part in whole.split("#/components/schemas/")[1:]}
    assert named == set(schemas)
