"""Says which kinds of objects suit which places."""

ONLY: dict[str, tuple[str, ...]] = {
    "penguin": ("snow", "snow", "sea"),
    "snowman": ("snow",),
    "cactus": ("desert",),
    "palm tree": ("beach", "desert"),
    "traffic light": ("street",),
    "bear": ("forest", "snow", "mountains", "field"),
    "giraffe": ("field", "desert", "park"),
    "fountain": ("park", "street"),
    "mushroom": ("forest", "field", "park"),
    "boat": ("sea", "beach"),
    "fish": ("sea", "underwater"),
    "bus": ("street", "field", "mountains", "desert"),
    "lighthouse": ("beach", "sea", "night", "snow"),
    "tent": ("forest", "mountains", "field", "night", "beach", "desert"),
    "cow": ("field", "mountains", "park"),
    "pig": ("field", "street", "park"),
    "owl": ("forest", "night"),
    "rainbow": ("field", "mountains", "sea", "beach"),
    "chair": ("beach", "park", "snow"),
    "table": ("beach", "park", "snow"),
    "apple tree": ("field", "park"),
    "guitar": ("beach", "park", "night"),
    "bench": ("park", "street", "snow"),
    "barn": ("field", "snow", "mountains"),
    "turtle": ("beach", "underwater", "desert", "park"),
    "bridge": ("park", "forest", "field"),
}
SEA = ("boat", "boat", "fish", "duck", "lighthouse", "bottle", "ball")
DEEP = ("fish", "fish", "turtle", "bottle", "castle", "suitcase", "fish")
KITCHEN = (
    "apple",
    "pear",
    "banana",
    "strawberry",
    "pizza",
    "cake",
    "ice cream",
    "loaf of bread",
    "carrot",
    "cup",
    "bottle",
    "potted plant",
    "cat",
    "book",
    "gift box",
    "mushroom",
)
TREES = ("tree", "apple tree", "palm tree")
FLYERS = ("bird", "butterfly", "aeroplane", "helicopter", "hot-air balloon", "kite", "balloon")
