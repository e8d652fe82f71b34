"""Options that take several values: `--runs a b c` as well as `--runs a --runs b --runs c`."""

from __future__ import annotations

import re

import click

_NUMBER = re.compile(r"-\.?\d")  # a negative number, which is a value and no option


class RepeatedValues(click.Command):
    """A command whose repeatable options take all words up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with the option repeated before each of its values."""
        repeatable = {
            name
            for option in self.get_params(ctx)
            if isinstance(option, click.Option) and option.multiple
            for name in option.opts
        }
        spread: list[str] = []
        open_option: str | None = None
        for i, word in enumerate(args):
            if word == "--":
                spread.extend(args[i:])
                break
            if word.startswith("-") and word != "-" and not _NUMBER.match(word):
                open_option = word if word in repeatable else None
                if open_option is None or i + 1 == len(args):
                    spread.append(word)
                continue
            spread.extend([word] if open_option is None else [open_option, word])
        return super().parse_args(ctx, spread)
