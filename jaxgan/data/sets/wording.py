"""What can be said of the faces of `personas`: captions that are true of what is drawn, and the facts that make them so."""

import re
from collections.abc import Mapping
from string import Formatter
from zlib import crc32

from jaxgan.data.captions import Caption
from jaxgan.data.sets.dicebear import NONE, avatar_attributes
from jaxgan.errors import UserError, nearest

# attribute -> value -> what is said of it, then what is true of it besides, where words do not tell values apart or could be
# disputed: whoever says "short hair" of a bob is not wrong, nor "a beard" of a goatee. Only glasses are told from sunglasses.
SAID: dict[str, dict[str, tuple[str, ...]]] = {
    "hair": {
        "balding": ("balding", "bald", "short"),
        "bobBangs": ("bob", "short", "long"),
        "bobCut": ("bob", "short", "long"),
        "bunUndercut": ("bun",),
        "buzzcut": ("buzz cut", "short"),
        "curly": ("curly", "short", "long"),
        "curlyBun": ("bun", "curly"),
        "curlyHighTop": ("curly", "short"),
        "extraLong": ("long",),
        "fade": ("short",),
        "mohawk": ("mohawk", "short"),
        "pigtails": ("pigtails", "long"),
        "shortCombover": ("short",),
        "shortComboverChops": ("short",),
        "sideShave": ("shaved side", "short", "long"),
        "straightBun": ("bun",),
    },
    "facial_hair": {
        "beardMustache": ("beard", "mustache"),
        "goatee": ("goatee", "beard", "mustache"),
        "pyramid": ("mustache",),
        "shadow": ("stubble", "beard"),
        "soulPatch": ("chin beard", "beard"),
        "walrus": ("mustache",),
    },
    "mouth": {"bigSmile": ("bigSmile", "smile"), "smirk": ("smirk", "smile")},
    "skin_color": {
        **dict.fromkeys(("tone1", "tone2", "tone3"), ("light",)),
        "tone4": ("medium", "light"),
        "tone5": ("medium", "dark"),
        **dict.fromkeys(("tone6", "tone7"), ("dark",)),
    },
}

# How it is said; {} is the place of the colour.
BARE = {"bald": "a bald head", "beanie": "a red beanie", "cap": "an orange cap"}  # no hair is drawn: it has no colour
HAIR = {
    "balding": "{} hair only at the sides",
    "bob": "a {} bob",
    "bun": "{} hair in a bun",
    "buzz cut": "a {} buzz cut",
    "curly": "curly {} hair",
    "long": "long {} hair",
    "mohawk": "a {} mohawk",
    "pigtails": "{} pigtails",
    "shaved side": "{} hair shaved on one side",
    "short": "short {} hair",
}
FACIAL_HAIR = {
    "beard": "a {} beard",
    "chin beard": "a small {} chin beard",
    "goatee": "a {} goatee",
    "mustache": "a {} mustache",
    "stubble": "{} stubble",
}
MOUTH = {
    "bigSmile": "a big smile",
    "frown": "a frown",
    "lips": "pink lips",
    "pacifier": "a pacifier",
    "smile": "a smile",
    "smirk": "a smirk",
    "surprise": "a surprised look",
}
SHIRTS = ("shirt", "top")
WHO = ("a person", "someone", "a face")

# Each face is described in each of these forms. What they mention differs, so a caption is no list of all that is drawn.
FORMS = (
    "{who} with {hair}, {glasses} and {clothes}",
    "{who} with {color}, {glasses} and {clothes}",
    "{head} with {glasses} and {clothes}",
    "{clothes}, {color} and {glasses}",
    "{who} {wearing}, with {skin} and {hair}",
    "this person has {hair}, {skin} and {mouth}",
    "{who} in {clothes} with {mouth} and {beard}",
    "a drawing of {head} {wearing}",
    "the face has {mouth}, {glasses} and {color}",
    "{who} with {beard}, {hair} and {clothes}",
)


def facts_of(attributes: Mapping[str, str]) -> frozenset:
    """What is true of a face with these values of all its attributes: pairs of an attribute and a value, or what is said."""
    seen = _seen(attributes)
    return frozenset((name, true) for name, value in seen.items() for true in (value, *_said(name, value)))


def captions_of(attributes: Mapping[str, str], number: int) -> tuple[Caption, ...]:
    """A caption in each of `FORMS`, of the face `number` with these values of all its attributes."""
    parts = _parts(_seen(attributes))
    head = parts["head"]
    captions = []
    for turn, form in enumerate(FORMS):
        # A hash, not a random generator, whose numbers may change with its version.
        chance = crc32(f"{number} {form}".encode())
        parts["who"] = Caption(WHO[chance % len(WHO)], frozenset())
        parts["clothes"] = parts[f"clothes {SHIRTS[chance // len(WHO) % len(SHIRTS)]}"]
        parts["head"] = Caption(head.text.replace("a person", "someone" if turn % 2 else "a person"), head.says)
        slots = [name for _, name, _, _ in Formatter().parse(form) if name]
        text = form.format(**{name: parts[name].text for name in slots})
        captions.append(Caption(text, frozenset().union(*(parts[name].says for name in slots))))
    return tuple(captions)


def caption_of(facts: Mapping[str, str]) -> str:
    """One sentence that says these attributes of a face, in an order of its own, to ask a trained generator for.

    Args:
      facts: attribute -> value, of `avatar_attributes("personas")`, or what is said of several: {"hair": "short"}.

    Raises:
      UserError: captions do not say such an attribute or value, or the values do not go together.

    >>> caption_of({"clothing_color": "yellow", "hair": "bald", "glasses": "sunglasses"})
    'a bald person with sunglasses and a yellow shirt'
    """
    _check(facts)
    parts = _parts(facts)
    bald = _said("hair", facts.get("hair", ""))[0] == "bald"
    order = (("hair", ("hair", "hair_color")), ("beard", ("facial_hair", "facial_hair_color")), ("glasses", ("glasses",)),
             ("clothes shirt", ("clothing_color", "clothes")), ("skin", ("skin_color",)), ("mouth", ("mouth",)))  # fmt: skip
    said = [parts[part].text for part, names in order if any(name in facts for name in names)]
    said = said[1:] if bald else said
    who = "a bald person" if bald else "a person"
    listed = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
    return f"{who} with {listed}" if said else who


def _said(attribute: str, value: str) -> tuple[str, ...]:
    return SAID.get(attribute, {}).get(value, (value,))


def _seen(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes as one sees them: under a full beard every mouth is the same grin."""
    return {**attributes, **({"mouth": "bigSmile"} if attributes["facial_hair"] == "beardMustache" else {})}


def _parts(values: Mapping[str, str]) -> dict[str, Caption]:
    """What can be said of these values: parts of a sentence, each with the facts that it says."""
    first = {name: _said(name, value)[0] for name, value in values.items()}

    def part(text: str, *names: str) -> Caption:
        words = " ".join(text.split())
        says = frozenset((name, first[name]) for name in names if name in first)
        return Caption(re.sub(r"\ba (?=[aeiou])", "an ", words), says)

    hair, color = first.get("hair", ""), first.get("hair_color", "")
    parts = {"color": part("no visible hair" if color == NONE else f"{color} hair", "hair_color")}
    if hair in BARE:
        parts["hair"] = part(BARE[hair], "hair")
        parts["head"] = part("a bald person" if hair == "bald" else f"a person in {BARE[hair]}", "hair")
    else:
        parts["hair"] = part(HAIR[hair].format(color), "hair", "hair_color") if hair else parts["color"]
        parts["head"] = part(f"a {color}-haired person", "hair_color")
    beard, color = first.get("facial_hair", ""), first.get("facial_hair_color", "")
    if NONE in (beard, color):
        parts["beard"] = part("no facial hair", "facial_hair", "facial_hair_color")
    else:
        parts["beard"] = part(
            FACIAL_HAIR.get(beard, "{} facial hair").format(color), "facial_hair", "facial_hair_color"
        )
    glasses = first.get("glasses", NONE)
    parts["glasses"] = part("no glasses" if glasses == NONE else glasses, "glasses")
    parts["wearing"] = part("without glasses" if glasses == NONE else f"wearing {glasses}", "glasses")
    checked = first.get("clothes") == "checkered"
    for shirt in SHIRTS:
        text = f"a {'checked' if checked else ''} {first.get('clothing_color', '')} {shirt}"
        parts[f"clothes {shirt}"] = part(text, "clothing_color", *["clothes"] * checked)
    parts["skin"] = part(f"{first.get('skin_color', '')} skin", "skin_color")
    parts["mouth"] = part(MOUTH.get(first.get("mouth", ""), ""), "mouth")
    return parts


def _check(facts: Mapping[str, str]) -> None:
    """UserError where captions cannot say this."""
    if not facts:
        raise UserError('caption_of: there is nothing to say: give an attribute, {"glasses": "sunglasses"} say')
    attributes = avatar_attributes("personas")
    known = {
        name: dict.fromkeys([*attributes[name], *(words[0] for words in SAID.get(name, {}).values())])
        for name in ("hair", "hair_color", "facial_hair", "facial_hair_color", "glasses", "clothing_color", "clothes",
                     "skin_color", "mouth")
    }  # fmt: skip
    known["clothes"] = {"checkered": None}  # that of the others has no name
    for name, value in facts.items():
        if name not in known:
            raise UserError(f'captions do not say "{name}"{nearest(name, known)} They say {", ".join(known)}')
        if value not in known[name]:
            close = nearest(value, known[name])
            raise UserError(f'captions cannot say {name} "{value}"{close} It can be {", ".join(known[name])}')
    for of, bare in (("hair", tuple(BARE)), ("facial_hair", (NONE,))):
        value, color = facts.get(of), facts.get(f"{of}_color")
        if value is not None and color is not None and (value in bare) != (color == NONE):
            raise UserError(
                f'caption_of: {of} "{value}" and {of}_color "{color}" do not go together: '
                f'the colour is "none" for {" and ".join(bare)}, and for no other'
            )
