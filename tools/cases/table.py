"""Cases as rows of a table, the same in the SQLite file of a folder and in PostgreSQL."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    cast,
    or_,
    true,
)

from consilium.tools.cases.case import Case, Filter, Outcome


def case_table(metadata: MetaData, name: str, *columns: Column[Any]) -> Table:
    """The table of the cases; `columns` come on top.

    `row` is the number under which a case's vector is kept. It is never given a second time.
    """
    return Table(
        name,
        metadata,
        Column("row", Integer, primary_key=True, autoincrement=True),
        Column("id", String(64), nullable=False, unique=True),
        Column("text", Text, nullable=False),
        Column("text_hash", String(64), nullable=False, index=True),
        Column("age", Float),
        Column("sex", String(6)),
        Column("diagnoses", JSON, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("died_in_hospital", Boolean),
        Column("died", Boolean),
        Column("followup_days", Integer),
        Column("year", Integer),
        Column("source", Text, nullable=False),
        *columns,
        sqlite_autoincrement=True,
    )


def plain_json(value: Any) -> str:
    """JSON in which letters with accents stay letters, so that a filter finds them."""
    return json.dumps(value, ensure_ascii=False)


def to_values(case: Case) -> dict[str, Any]:
    """The columns of one case, but for `row`."""
    return {
        "id": case.id,
        "text": case.text,
        "text_hash": case.text_hash,
        "age": case.age,
        "sex": case.sex,
        "diagnoses": list(case.diagnoses),
        "outcome": case.outcome.text,
        "died_in_hospital": case.outcome.died_in_hospital,
        "died": case.outcome.died,
        "followup_days": case.outcome.followup_days,
        "year": case.year,
        "source": case.source,
    }


def to_case(values: Mapping[str, Any]) -> Case:
    """The case of a row that `to_values` made."""
    return Case(
        id=values["id"],
        text=values["text"],
        age=values["age"],
        sex=values["sex"],
        diagnoses=tuple(values["diagnoses"]),
        outcome=Outcome(
            text=values["outcome"],
            died_in_hospital=values["died_in_hospital"],
            died=values["died"],
            followup_days=values["followup_days"],
        ),
        year=values["year"],
        source=values["source"],
    )


def condition(table: Table, wanted: Filter) -> ColumnElement[bool]:
    """The filter as SQL. What a row does not know (NULL) does not match."""
    column = table.c
    tests: list[ColumnElement[bool]] = []
    if wanted.sex is not None:
        tests.append(column.sex == wanted.sex)
    if wanted.min_age is not None:
        tests.append(column.age >= wanted.min_age)
    if wanted.max_age is not None:
        tests.append(column.age <= wanted.max_age)
    if wanted.died_in_hospital is not None:
        tests.append(column.died_in_hospital.is_(wanted.died_in_hospital))
    if wanted.died is not None:
        tests.append(column.died.is_(wanted.died))
    if wanted.since is not None:
        tests.append(column.year >= wanted.since)
    if wanted.until is not None:
        tests.append(column.year <= wanted.until)
    if wanted.source is not None:
        tests.append(column.source.icontains(wanted.source, autoescape=True))
    if wanted.diagnosis is not None:
        diagnoses = cast(column.diagnoses, Text)
        tests.append(diagnoses.icontains(wanted.diagnosis, autoescape=True))
    if wanted.any_of:
        tests.append(or_(*(condition(table, group) for group in wanted.any_of)))
    return and_(true(), *tests)
