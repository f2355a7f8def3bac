"""The words of the embedded world: who has what, in which container, in which invented unit."""

PEOPLE = (
    "Tom", "Ann", "Ben", "Eva", "Max", "Mia", "Leo", "Zoe", "Sam", "Ida", "Paul", "Rosa",
    "Karl", "Nina", "Omar", "Lena", "Hugo", "Vera", "Ivan", "Maya", "Otto", "Ruth", "Noah", "Clara",
)  # fmt: skip
PLACES = ("the shop", "the barn", "the school", "the library", "the market", "the kitchen", "the garden", "the museum")
HOLDERS = PEOPLE + PLACES

THINGS = (
    "apples", "pens", "books", "shells", "cards", "stamps", "eggs", "nuts",
    "cups", "balls", "roses", "keys", "stones", "beads", "cakes", "plums",
)  # fmt: skip
COINS = "coins"
CONTAINERS = {"boxes": "box", "bags": "bag", "crates": "crate", "baskets": "basket", "trays": "tray"}

UNITS = {
    "blicks": "blick", "pims": "pim", "zods": "zod", "wumps": "wump", "frells": "frell",
    "gorps": "gorp", "tarks": "tark", "lums": "lum", "snibs": "snib", "quens": "quen",
}  # fmt: skip
OPERATIONS = ("zorp", "flim", "dran", "mub", "kest", "vool")


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter; the rest stays as it is."""
    return sentence[:1].upper() + sentence[1:]
