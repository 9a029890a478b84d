"""The page's HTML: complete, and never made of anybody else's text."""

from pathlib import Path

import pytest

from consilium.assistant.domain import Attachment, Call
from consilium.assistant.page import markup
from consilium.tools.contract import Artifact, Finding, Source, ToolResult

ATTACK = '"><script>alert(1)</script>'
ESCAPED = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"


def test_every_text_of_a_result_is_escaped(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"png")
    table = tmp_path / "table.csv"
    table.write_text("case,text\nc1,<script>alert(1)</script>\n", encoding="utf-8")
    result = ToolResult(
        summary=ATTACK,
        status="abstained",
        reason=ATTACK,
        findings=[Finding(label=ATTACK, value=ATTACK, unit=ATTACK)],
        assumptions=[ATTACK],
        warnings=[ATTACK],
        sources=[Source(name=ATTACK, version=ATTACK, data=ATTACK)],
        artifacts=[
            Artifact(id="a", kind="image", title=ATTACK, path=picture, media_type=ATTACK),
            Artifact(id="b", kind="image", title=ATTACK, path=tmp_path / "gone.png"),
            Artifact(id="t", kind="table", title=ATTACK, path=table, media_type="text/csv"),
            Artifact(id="s", kind="table", title=ATTACK, path=table, media_type=ATTACK),
        ],
    )
    film = Attachment(
        id=ATTACK,
        path=picture,
        preview=picture,
        media_type="image/png",
        width=1,
        height=1,
        sha256="",
        facts={"view": ATTACK},
    )
    call = Call(id="c", name=ATTACK, arguments={ATTACK: ATTACK}, result=result)

    for html in (
        markup.result(result),
        markup.step(call),
        markup.thumbnails([film]),
        markup.notice(ATTACK),
    ):
        assert "<script" not in html
        assert "&lt;script&gt;alert(1)" in html
    assert markup.result(result).count(ESCAPED) >= 10


def test_a_finding_shows_value_unit_interval_and_level() -> None:
    result = ToolResult(
        summary="",
        findings=[
            Finding(
                label="pneumonia",
                value=0.5,
                unit="probability",
                interval=(0.25, 0.75),
                level="indeterminate",
            ),
            Finding(label="effusion", value=None),
        ],
    )
    html = markup.result(result)
    for part in ("0.5", "probability", "0.25 to 0.75", "indeterminate", "not given"):
        assert part in html


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("abstained", "declined to answer"),
        ("error", "could not run"),
        ("unavailable", "not available yet"),
    ],
)
def test_a_result_without_findings_says_why(status: str, sentence: str) -> None:
    result = ToolResult.model_validate({"summary": "No.", "status": status, "reason": "Too dark."})
    html = markup.result(result)
    assert sentence in html
    assert "Too dark." in html


@pytest.mark.parametrize("text", ["p < 0.05 & rising", "LDL <3 and >1", "x &", "中文\n  two"])
def test_harmless_text_is_left_as_it_is(text: str) -> None:
    assert markup.literal(text) == text


@pytest.mark.parametrize("text", ["<b>", "</p>", "<!--", "<?x", "&lt;", "&#60;", "<SCRIPT>"])
def test_what_would_be_markup_is_made_visible(text: str) -> None:
    assert markup.literal(text)[0] == "&"
    assert "<" not in markup.literal(text)


def test_a_table_opens_by_a_click_and_can_be_saved(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text('case,text\ns-1,"cough, fever"\n' + "s-2,x\n" * 200, encoding="utf-8")
    artifact = Artifact(id="t", kind="table", title="5 cases", path=table, media_type="text/csv")
    html = markup.result(ToolResult(summary="", artifacts=[artifact]))
    assert "<details" in html
    assert "<td>cough, fever</td>" in html
    assert 'download="cases.csv"' in html
    assert html.count("<tr>") == 100
