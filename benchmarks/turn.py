"""Where the time of a turn with one tool call goes: `python benchmarks/turn.py [--turns N]`.

Prints the median of each phase in seconds; the first turn, which loads the models, is shown apart.
"""

import argparse
import time
from statistics import median

from consilium.assistant.playing import Player
from consilium.assistant.sample import SAMPLE_FILM
from consilium.assistant.settings import load_settings

_QUESTION = "Does this film show pneumonia?"


def main() -> None:
    """Play the same question in new conversations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9)
    wanted = parser.parse_args().turns
    with Player(load_settings(), SAMPLE_FILM) as player:
        started = time.perf_counter()
        first = player.play([_QUESTION], 1)[0]
        print(f"first turn, with loading: {time.perf_counter() - started:.1f} s")
        rows = []
        for _ in range(wanted):
            started = time.perf_counter()
            turn = player.play([_QUESTION], 1)[0]
            rows.append({**turn.timings, "whole": time.perf_counter() - started})
    print(f"calls: {[call.name for call in first.calls]}; answer: {first.answer}")
    for phase in ("prefill", "decode", "tools", "total", "whole"):
        seconds = sorted(row.get(phase, 0.0) for row in rows)
        print(f"{phase:<8} p50 {median(seconds):6.2f} s   ({seconds[0]:.2f} to {seconds[-1]:.2f})")
    print(f"n = {wanted}; whole = with decoding and storing the film")


if __name__ == "__main__":
    main()
