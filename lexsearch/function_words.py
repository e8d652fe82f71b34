"""English words that name nothing to see, which a vocabulary of pictures need not have."""

from __future__ import annotations

_DETERMINERS = """a all an another any both each either every few many more most much neither no
    other same several some such that the these this those"""
_PRONOUNS = """he her hers herself him himself his i it its itself me mine my our ours she their
    theirs them themselves they us we what which who whom whose you your yours"""
_PREPOSITIONS = """about above across after against along among around as at before behind below
    beneath beside besides between beyond by down during for from in inside into near of off on onto
    out outside over past since through throughout to toward towards under until up upon via with
    within without"""
_CONJUNCTIONS = """although and because but if nor or so than then though unless when where whereas
    whether while yet"""
_VERBS = """am are be been being can could did do does doing done had has have having is may might
    must shall should was were will would"""
_ADVERBS = "also here how just not now only quite rather there too very why"

FUNCTION_WORDS = frozenset(
    " ".join((_DETERMINERS, _PRONOUNS, _PREPOSITIONS, _CONJUNCTIONS, _VERBS, _ADVERBS)).split()
)
