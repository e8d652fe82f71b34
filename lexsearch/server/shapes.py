"""The form of requests and answers; the OpenAPI document is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lexsearch.grammar import MAX_PARTS, MAX_QUERY_CHARS
from lexsearch.query import MAX_WORDS, Filter

SCHEMA = 1
MAX_TOP = 1_000
MAX_BATCH = 64
MAX_CONDITIONS = 64
MAX_WORD = 64

Id: TypeAlias = Annotated[
    str,
    Field(pattern=r"^[0-7][0-9a-f]{15}$", description="Of a picture: 16 hex digits.",
          examples=["1f0c6cb65d1b2a47"]),
]  # fmt: skip
Mode: TypeAlias = Literal["lexical", "dense", "late", "hybrid"]
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
# JSON does not tell 10 from 10.0.
WHOLE = BeforeValidator(lambda n: int(n) if isinstance(n, float) and n.is_integer() else n)
Word: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_WORD)]
Weights: TypeAlias = Annotated[dict[Word, Finite], Field(max_length=MAX_WORDS)]
Text: TypeAlias = Annotated[str, Field(max_length=4 * MAX_QUERY_CHARS)]
Condition: TypeAlias = Annotated[str | None, Field(min_length=1, max_length=256)]


class Strict(BaseModel):
    """A request: nothing unknown, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Conditions(Strict):
    """Conditions on the photo itself; every one given must hold."""

    after: Condition = Field(
        default=None, description="Taken at or after this ISO date or a beginning."
    )
    before: Condition = Field(default=None, description="Taken before it.")
    path: Condition = Field(default=None, description="Glob over the whole path, or a part of it.")
    type: Condition = Field(default=None, description="File type, such as jpeg.")
    camera: Condition = Field(default=None, description="Part of the camera's name.")
    label: Condition = Field(default=None, description="A class that `lexsearch label` gave.")
    near: Condition = Field(
        default=None, description="Taken around a place: `LATITUDE,LONGITUDE[,RADIUS]`."
    )
    box: Condition = Field(
        default=None, description="Taken in a box of degrees: `SOUTH,WEST,NORTH,EAST`."
    )
    meta: dict[Word, str | int | float | bool | None] = Field(
        default={}, max_length=MAX_CONDITIONS,
        description="What programs said of pictures that they added, by name.",
    )  # fmt: skip

    def filter(self) -> Filter:
        """As the library has it."""
        return Filter(**self.model_dump())


class TextPart(Strict):
    """A text of a query."""

    text: Text = Field(description="Taken literally, unlike `query`.")
    weight: Finite = Field(default=1.0, description="Negative: unlike this.")


class WordsPart(Strict):
    """Words of the vocabulary with their weights; no model runs for them."""

    words: Annotated[Weights, Field(min_length=1)]
    weight: Finite = 1.0


class PicturePart(Strict):
    """A picture that is sent along."""

    picture: str = Field(
        description="The bytes of a picture file.",
        json_schema_extra={"contentEncoding": "base64"},
    )
    weight: Finite = 1.0


class IdPart(Strict):
    """A picture of the index."""

    id: Id
    weight: Finite = 1.0


QueryPart: TypeAlias = TextPart | WordsPart | PicturePart | IdPart


class Wanted(Strict):
    """What is looked for."""

    query: Text = Field(
        default="",
        description="In the grammar of the command line, without paths of pictures: "
        '`dog "red car" -people 2:sunset after:2024 camera:x100`.',
        examples=["a yellow boat -people"],
    )
    parts: list[QueryPart] = Field(
        default=[], max_length=MAX_PARTS, description="Further summands."
    )
    weights: Weights = Field(
        default={}, description="Factors on the model's weights of words; 0 drops."
    )
    must: list[Word] = Field(
        default=[], max_length=MAX_CONDITIONS, description="Words it must carry."
    )
    exclude: list[Word] = Field(
        default=[], max_length=MAX_CONDITIONS, description="Words it must not."
    )
    filters: Conditions = Field(default_factory=lambda: Conditions())


class Manner(Strict):
    """How it is looked for, and how much of it is wanted."""

    top_k: Annotated[int, Field(ge=1, le=MAX_TOP, description="Pictures wanted."), WHOLE] = 10
    mode: Mode = "hybrid"
    cutoff: Literal["none", "auto"] | Finite = Field(
        default="none", description="Where relevance ends; hits under it are marked, not dropped."
    )
    rerank: Annotated[int, Field(ge=0, le=1_000_000), WHOLE] | None = Field(
        default=None, description="Fine match of the best so many candidates only; none = of all."
    )
    every_word: bool = Field(
        default=False, description="All words behind a hit, not only the heaviest."
    )
    group_duplicates: bool = Field(
        default=False, description="One of several nearly equal pictures."
    )


MAX_MAPS = 8
DrawnWords: TypeAlias = Annotated[
    list[Word],
    Field(max_length=MAX_MAPS, description="Words to draw. Default: the three that speak most for "
          "the picture."),
]  # fmt: skip


class HeatmapRequest(Wanted):
    """A query, and words of which maps are wanted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "a yellow boat", "words": ["boat"]}]}
    )
    words: DrawnWords = []


class ExplanationRequest(HeatmapRequest):
    """A query of which one picture is to be explained."""

    patches: bool = Field(default=False, description="Also the words of every patch.")


EXAMPLES: list[Any] = [
    {"query": "a yellow boat -people", "top_k": 3},
    {"parts": [{"words": {"boat": 1.0, "lighthouse": 2.0}}], "mode": "lexical"},
    {"parts": [{"text": "a boat"}, {"text": "ducks", "weight": -0.5}], "filters": {"type": "jpeg"}},
]


class SearchRequest(Wanted, Manner):
    """One search."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES})


class BatchRequest(Manner):
    """Many searches of one manner; they share the model's run."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"queries": [{"query": "boat"}, {"query": "duck"}]}]}
    )
    queries: list[Wanted] = Field(min_length=1, max_length=MAX_BATCH)


class Term(BaseModel):
    """A word that query and picture share."""

    word: str
    query: float
    image: float
    contribution: float


class Share(BaseModel):
    """One summand of a fused score."""

    channel: str
    what: str
    value: float | None = Field(description="None = no rank.")
    share: float
    weight: float | None = None


class Channels(BaseModel):
    """Scores by channel; none where it was not computed."""

    lexical: float | None = None
    dense: float | None = None
    late: float | None = None
    fused: float | None = None


Pair: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]


class Facts(BaseModel):
    """What is known of a picture. Paths are given only to those who may have them."""

    id: Id
    path: str | None = Field(
        default=None, description="First path; bytes that are not UTF-8 as \\xNN."
    )
    path_bytes: str | None = Field(
        default=None, description="The path in base64, if it is not UTF-8."
    )
    also: list[str] | None = Field(default=None, description="Further paths of the same picture.")
    taken: str | None = None
    camera: str | None = None
    gps: Pair | None = Field(default=None, description="Latitude and longitude in degrees.")
    width: int | None = None
    height: int | None = None


class Hit(Facts):
    """One picture that was found."""

    rank: int = Field(ge=1)
    score: float
    scores: Channels
    terms: list[Term]
    shares: list[Share] | None = Field(
        default=None, description="What adds up to the fused score; where every word was wanted."
    )
    below_cutoff: bool


class Results(BaseModel):
    """Hits, best first."""

    schema_: Literal[1] = Field(alias="schema")
    query: str
    mode: Mode
    generation: int = Field(description="Commit of the index that answered.")
    hits: list[Hit]
    notes: list[str]
    cutoff: float | None
    excluded: int = Field(description="Pictures that -word or exclude took away.")
    seconds: dict[str, float]
    fusion: str = Field(default="model", description="The rule that joined the channels.")


class BatchResults(BaseModel):
    """One list of hits for each query, in their order."""

    schema_: Literal[1] = Field(alias="schema")
    results: list[Results]


class PatchWord(BaseModel):
    """A word with its weight on one patch."""

    word: str
    weight: float


class Explained(BaseModel):
    """Why a picture answers a query: the shares add up to the fused score."""

    schema_: Literal[1] = Field(alias="schema")
    query: str
    id: Id
    path: str | None = None
    path_bytes: str | None = None
    scores: Channels
    weights: dict[str, float] = Field(
        description="fused = sum of weight x score over these channels; empty for other rules."
    )
    fusion: str = Field(default="model", description="The rule that joins the channels.")
    shares: list[Share] = []
    candidates: int = Field(default=1, description="Pictures among which ranks were taken.")
    region: Annotated[list[float], Field(min_length=4, max_length=4)] = Field(
        default=[0.0, 0.0, 1.0, 1.0],
        description="Left, top, right and bottom of what the model saw, as shares of the picture.",
    )
    terms: list[Term] = Field(description="Their contributions add up to the lexical score.")
    grid: Annotated[list[int], Field(min_length=2, max_length=2)] | None = Field(
        description="Rows and columns of patches."
    )
    maps: dict[str, list[list[float]]] = Field(description="Weight of words on every patch.")
    patches: list[list[PatchWord]] | None = Field(
        default=None, description="Heaviest words of every patch, row by row; if asked for."
    )
    notes: list[str]


class WordWeights(BaseModel):
    """Words with weights, heaviest first."""

    schema_: Literal[1] = Field(alias="schema")
    words: list[PatchWord]


class CountedWord(BaseModel):
    """A word with the number of pictures that carry it."""

    word: str
    images: int


class WordCounts(BaseModel):
    """Words of the vocabulary."""

    schema_: Literal[1] = Field(alias="schema")
    words: list[CountedWord]


class Status(BaseModel):
    """What the index holds."""

    schema_: Literal[1] = Field(alias="schema")
    version: str
    model: str
    fingerprints: dict[str, str]
    generation: int
    images: int
    files: int
    skipped: int
    segments: int
    bytes: dict[str, int]
    directory: str | None = None
    roots: list[str] | None = None


class Health(BaseModel):
    """Whether the server runs."""

    status: Literal["ok"]


class Ready(BaseModel):
    """Whether it can answer, and whether the model is in memory."""

    status: Literal["ready"]
    model: Literal["warm", "released"]


class Fault(BaseModel):
    """One place of a request that is not as described."""

    where: str
    what: str


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str = Field(description="Short name of the kind of error, for programs.")
    detail: str
    errors: list[Fault] | None = None
