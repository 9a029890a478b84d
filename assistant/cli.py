"""The command line: the chair's own commands, and those that the specialists bring.

Exit codes: 0 done; 1 the thing asked for failed (the sentence on stderr says why); 2 the command was written wrongly;
3 the tool ran and declined to answer; 130 interrupted.
"""

import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilium.assistant.domain import (
    Call,
    CallStarted,
    ConsiliumError,
    Turn,
    TurnFinished,
    TurnStatus,
)
from consilium.assistant.findings import interval_text, value_text
from consilium.assistant.settings import Settings, load_settings
from consilium.tools.cases import commands as cases
from consilium.tools.contract import Finding, ToolError, ToolSpec
from consilium.tools.imaging import commands as imaging
from consilium.tools.molecules import commands as molecules
from consilium.tools.registry import TOOLS
from consilium.tools.risk import commands as risk
from consilium.tools.treatment import commands as treatment

if TYPE_CHECKING:
    from consilium.assistant.chair import Chair
    from consilium.assistant.store import Store

app = typer.Typer(
    help="A clinical research assistant whose every number has a source. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
evaluate = typer.Typer(help="Measure, with a number that is the same twice.", no_args_is_help=True)
app.add_typer(evaluate, name="eval")

# A specialist's own commands stand in its folder.
train = typer.Typer(help="Train a specialist anew: one YAML, resumable.", no_args_is_help=True)
app.add_typer(train, name="train")
app.command()(imaging.scans)
evaluate.command("imaging")(imaging.eval_imaging)
train.command("imaging")(imaging.train_imaging)
app.command("risk")(risk.risk)
evaluate.command("risk")(risk.eval_risk)
train.command("risk")(risk.train_risk)
app.command("treatment")(treatment.treatment)
evaluate.command("treatment")(treatment.eval_treatment)
train.command("treatment")(treatment.train_treatment)
case_base = typer.Typer(help="The case base of the similar-case search.", no_args_is_help=True)
app.add_typer(case_base, name="cases")
evaluate.command("cases")(cases.eval_cases)
for _command in (
    cases.build,
    cases.add,
    cases.show,
    cases.remove,
    cases.stats,
    cases.search,
    cases.rebuild,
    cases.export,
):
    case_base.command()(_command)
case_base.command("list")(cases.list_cases)
generator = typer.Typer(help="The molecule generator.", no_args_is_help=True)
app.add_typer(generator, name="molecules")
generator.command()(molecules.sample)
evaluate.command("molecules")(molecules.eval_molecules)
train.command("molecules")(molecules.train_molecules)

Attach = Annotated[
    list[Path] | None, typer.Option("--attach", help="A film (PNG, JPEG, DICOM, ...); repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[
    str | None, typer.Option(help="Model folder, hub id or server's model name; default: embedded.")
]
Adapter = Annotated[
    str | None, typer.Option(help="Adapter folder, 'shipped' or 'none'; default: shipped.")
]
Backend = Annotated[str | None, typer.Option(help="local or openai.")]
BaseUrl = Annotated[str | None, typer.Option(help="URL of an OpenAI-compatible server.")]

_DECLINED = 3


def _open(settings: Settings) -> "tuple[Chair, Store]":
    from consilium.assistant.chair import Chair
    from consilium.assistant.llm.backend import load_backend
    from consilium.assistant.store import Store

    store = Store(settings.database_url, settings.home)
    return Chair(settings, store, lambda: load_backend(settings)), store


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@app.command()
def chat(
    host: str | None = None,
    port: int | None = None,
    model: Model = None,
    adapter: Adapter = None,
    backend: Backend = None,
    base_url: BaseUrl = None,
) -> None:
    """Open the chat in a browser."""
    settings = load_settings(
        host=host, port=port, model=model, adapter=adapter, backend=backend, base_url=base_url
    )
    from consilium.assistant.lock import sole_chat
    from consilium.assistant.page.app import build_page
    from consilium.assistant.page.server import launch, require_free

    # Both before anything is tidied up: what looks left over may be another chat's.
    with sole_chat(settings.home):
        require_free(settings.host, settings.port)
        chair, store = _open(settings)
        store.recover()
        typer.echo("Loading the language model ...")
        chair.load_model()
        page = build_page(chair, store, settings)
        typer.echo(f"Consilium is at {launch(page, settings)} (Ctrl-C ends it). Research use only.")
        page.block_thread()


@app.command()
def ask(
    question: str,
    attach: Attach = None,
    as_json: AsJson = False,
    model: Model = None,
    adapter: Adapter = None,
    backend: Backend = None,
    base_url: BaseUrl = None,
) -> None:
    """Ask one question and print the answer; it is kept as a conversation like any other."""
    settings = load_settings(model=model, adapter=adapter, backend=backend, base_url=base_url)
    chair, store = _open(settings)
    conversation = store.create_conversation()
    turn: Turn | None = None
    try:
        events = chair.respond(conversation.id, question, attach or [])
        first = next(events)
    except ConsiliumError:  # refused: nothing was stored, and no empty conversation stays
        store.delete(conversation.id)
        raise
    for event in chain([first], events):
        if isinstance(event, CallStarted) and not as_json:
            typer.echo(f"[{event.call.name} {json.dumps(event.call.arguments)}]", err=True)
        elif isinstance(event, TurnFinished):
            turn = event.turn
    assert turn is not None  # every turn ends with its TurnFinished
    if as_json:
        _print_json(_as_json(turn))
    else:
        typer.echo(turn.answer)
        for call in turn.calls:
            for artifact in call.result.artifacts if call.result else []:
                typer.echo(f"[{artifact.title}: {artifact.path}]", err=True)
    if turn.status is TurnStatus.FAILED:
        raise ConsiliumError(turn.error)


def _as_json(turn: Turn) -> dict[str, Any]:
    results = [call.result for call in turn.calls if call.result]
    return {
        "answer": turn.answer,
        "calls": [_call_as_json(call) for call in turn.calls],
        "assumptions": [text for result in results for text in result.assumptions],
        "warnings": [text for result in results for text in result.warnings],
        "timings": {phase: round(seconds, 3) for phase, seconds in turn.timings.items()},
        "model": turn.model.model_dump() if turn.model else None,
        "error": turn.error,
    }


def _call_as_json(call: Call) -> dict[str, Any]:
    result = call.result.model_dump(mode="json") if call.result else None
    return {"name": call.name, "arguments": call.arguments, "result": result}


@app.command()
def call(
    tool: str,
    arguments: Annotated[str, typer.Argument(help="JSON object.")] = "{}",
    attach: Attach = None,
    as_json: AsJson = False,
) -> None:
    """Run one tool directly, without the language model."""
    from consilium.assistant.attachments import AttachmentStore
    from consilium.assistant.folders import ConversationFolders
    from consilium.assistant.runner import run_call
    from consilium.tools.contract import ToolContext

    if tool not in TOOLS:
        raise typer.BadParameter(f"There is no tool {tool}. Known: {', '.join(TOOLS)}.")
    try:
        parsed = json.loads(arguments)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"The arguments are not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise typer.BadParameter(
            'The arguments must be a JSON object, e.g. \'{"image": "scan-1"}\'.'
        )
    settings = load_settings()
    with tempfile.TemporaryDirectory() as scratch:
        admitted = AttachmentStore(
            Path(scratch), settings.max_attachments, settings.max_upload_mb
        ).admit("call", attach or [], 1)
        pictures = ConversationFolders(settings.home).artifacts("call")
        context = ToolContext({a.id: a.path for a in admitted}, pictures)
        result = run_call(TOOLS[tool], parsed, context)
    if as_json:
        _print_json(result.model_dump(mode="json"))
    else:
        typer.echo(result.summary)
        for finding in result.findings:
            typer.echo(f"  {_finding(finding)}")
        for text in [*result.warnings, *result.assumptions]:
            typer.echo(f"  note: {text}")
        for source in result.sources:
            typer.echo(f"  source: {source.name} {source.version} {source.data}".rstrip())
        for artifact in result.artifacts:
            typer.echo(f"  {artifact.title}: {artifact.path}")
    if result.status != "ok":
        raise typer.Exit(_DECLINED if result.abstained else 1)


def _finding(finding: Finding) -> str:
    value = f"{finding.label}: {value_text(finding)} {finding.unit}".rstrip()
    interval = f" ({interval_text(finding)})" if finding.interval else ""
    level = "" if finding.level == "info" else f", {finding.level}"
    return f"{value}{interval}{level}"


@app.command()
def tools(as_json: AsJson = False) -> None:
    """List the tools; with --json their schemas."""
    if as_json:
        _print_json(
            [
                {
                    "name": t.name,
                    "description": t.description,
                    "available": t.available,
                    "schema": t.schema(),
                }
                for t in TOOLS.values()
            ]
        )
        return
    for spec in TOOLS.values():
        state = "" if spec.available else "  (contract only, not installed yet)"
        typer.echo(f"{spec.name}: {spec.description}{state}")


@evaluate.command("tools")
def eval_tools(
    cases: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSONL of cases.")],
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Write (and resume) predictions here; a complete file from elsewhere is graded."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON here.")] = None,
    case_format: Annotated[
        str, typer.Option("--format", help="consilium, or bfcl (a file of that leaderboard).")
    ] = "consilium",
    unconstrained: Annotated[
        bool, typer.Option("--unconstrained", help="Decode calls without the grammar.")
    ] = False,
    without_tools: Annotated[
        bool, typer.Option("--without-tools", help="Give the model no tools.")
    ] = False,
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness", help="Five runs (tool order, a distractor, typing errors): pass^5."
        ),
    ] = False,
    film: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Film that stands for attachments."),
    ] = None,
    model: Model = None,
    adapter: Adapter = None,
    backend: Backend = None,
    base_url: BaseUrl = None,
) -> None:
    """Tool-call accuracy: play every case through the real turn and grade the calls."""
    if case_format not in ("consilium", "bfcl"):
        raise typer.BadParameter("The format is consilium or bfcl.")
    if case_format == "bfcl" and (without_tools or robustness):
        raise typer.BadParameter("--without-tools and --robustness are for our own cases.")
    from consilium.finetune.evaluate.run import (
        Evaluation,
        Load,
        evaluate,
        evaluate_robustness,
        write_report,
    )

    settings = load_settings(model=model, adapter=adapter, backend=backend, base_url=base_url)
    if case_format == "bfcl":
        from consilium.finetune.evaluate.bfcl_play import open_caller
        from consilium.finetune.evaluate.bfcl_run import evaluate_bfcl

        outcome, text = evaluate_bfcl(
            cases, predictions, lambda: open_caller(settings, unconstrained=unconstrained)
        )
    else:
        from consilium.assistant.playing import Player
        from consilium.assistant.sample import SAMPLE_FILM

        def player(specs: Sequence[ToolSpec], load: Load) -> Player:
            return Player(settings, film or SAMPLE_FILM, specs, load)

        asked = Evaluation(cases, predictions, unconstrained, without_tools, film)
        outcome, text = (evaluate_robustness if robustness else evaluate)(asked, player)
    if report:
        write_report(report, outcome)
    typer.echo(text)


@evaluate.command("qa")
def eval_qa(
    dataset: Annotated[str, typer.Argument(help="pubmedqa, medqa, medmcqa, mmlu or jsonl.")],
    data: Annotated[Path, typer.Argument(exists=True, help="Its folder as published, or a file.")],
    method: Annotated[
        str,
        typer.Option(help="letter (likelihood of the label), option (of its words) or generate."),
    ] = "letter",
    shots: Annotated[int, typer.Option(min=0, help="Solved examples in the prompt.")] = 0,
    shots_from: Annotated[
        Path | None, typer.Option(help="File of the examples; default: the training part.")
    ] = None,
    contamination: Annotated[
        Path | None, typer.Option(help="JSONL of training texts to search for the questions.")
    ] = None,
    tfidf: Annotated[bool, typer.Option("--tfidf", help="Also a bag-of-words baseline.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="First so many questions; 0: all.")] = 0,
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON here.")] = None,
    model: Model = None,
    adapter: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Adapter folder.")
    ] = None,
) -> None:
    """Medical multiple-choice questions: accuracy beside majority and chance."""
    from pydantic import TypeAdapter, ValidationError

    from consilium.finetune.evaluate.run import write_report
    from consilium.finetune.qa.evaluate import QaEvaluation, evaluate

    settings = load_settings(model=model)
    asked = {
        "dataset": dataset,
        "data": data,
        "adapter": adapter,
        "method": method,
        "shots": shots,
        "shots_from": shots_from,
        "contamination": contamination,
        "tfidf": tfidf,
        "limit": limit,
        "precision": precision,
    }
    try:
        wanted = TypeAdapter(QaEvaluation).validate_python(asked)
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}.") from error
    outcome, text = evaluate(wanted, settings)
    if report:
        write_report(report, outcome)
    typer.echo(text)


@app.command()
def finetune(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="One YAML.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; give it again to resume.")] = Path(
        "runs/adapter"
    ),
    base: Annotated[str | None, typer.Option(help="Base model folder; default: embedded.")] = None,
) -> None:
    """Train a LoRA adapter on conversations, or (`task: qa`) on multiple-choice questions."""
    from consilium.assistant.llm.weights import ensure_embedded
    from consilium.finetune.qa.config import QaConfig, task_of

    settings = load_settings()
    if task_of(config) == "qa":
        from consilium.finetune.qa.train import train as train_on_questions

        asked = QaConfig.read(config)
        source = base or asked.base or ensure_embedded(settings.home)
        typer.echo(f"The adapter is in {train_on_questions(asked, source, out)}.")
        return
    from consilium.finetune.config import TrainingConfig
    from consilium.finetune.train import train

    adapter = train(
        TrainingConfig.read(config), Path(base) if base else ensure_embedded(settings.home), out
    )
    typer.echo(f"The adapter is in {adapter}; try it with: consilium chat --adapter {adapter}")


@app.command()
def merge(
    adapter: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Its folder.")],
    out: Annotated[Path, typer.Option(help="New folder for the whole model.")],
    base: Annotated[str | None, typer.Option(help="Base model folder; default: embedded.")] = None,
) -> None:
    """Join an adapter and its base model into one, in safetensors, for any server."""
    from consilium.assistant.llm.weights import ensure_embedded
    from consilium.finetune.merge import merge as join

    join(adapter, Path(base) if base else ensure_embedded(load_settings().home), out)
    typer.echo(f"The model is in {out}.")


@app.command()
def fetch(
    case_base: Annotated[
        bool, typer.Option("--case-base/--no-case-base", help="Build the case base, too: minutes.")
    ] = True,
) -> None:
    """Bring what the chat needs and the package does not hold (once; goes on where it was cut off)."""
    from consilium.assistant.llm.weights import ensure_embedded
    from consilium.tools.molecules.drug_list import ensure_drug_list

    home = load_settings().home
    typer.echo(f"The language model is in {ensure_embedded(home)}.")
    typer.echo(f"The list of known drugs is {ensure_drug_list(home)}.")
    if case_base:
        cases.build()


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, which model, device and weights, what is missing and how to get it."""
    from consilium.assistant.doctor import examine

    checks = examine(load_settings())
    if as_json:
        _print_json([check._asdict() for check in checks])
    else:
        for check in checks:
            typer.echo(f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.says}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def main() -> None:
    """Entry point: a house error is one sentence on stderr and exit code 1, never a traceback."""
    # Before torch is imported: threads that spin slow it 20-fold where cores are shared.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Before gradio and huggingface_hub are imported: each reads its own once.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name in ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER"):
        os.environ.pop(name, None)  # asks for a tracer that is no more, and LangChain would raise
    warnings.filterwarnings("ignore", category=FutureWarning)  # of libraries, to their authors
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # misses an optional kernel, aloud
    try:
        app()
    except (ConsiliumError, ToolError) as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        said = (
            f"{error.strerror}: {error.filename}"
            if error.filename
            else str(error).partition("\n")[0]
        )
        typer.echo(f"Error: {said}", err=True)
        sys.exit(1)
