"""The things that scenes are made of: countable things with a plain name of one or two words.

How they were chosen: of the concepts of the icon set that at least three drawing styles show, those were read that have
a name of one or two words; people, faces and parts of the body, flags, letters, arrows, interface signs, things that
come in pairs or heaps, masses ("bread"), and drawings that their name does not fit were left out by hand, on sheets of
all their pictures. A row of a picture set belongs to a thing when its name is one of those listed for it.
"""

from dataclasses import dataclass
from functools import cache

__all__ = ["Noun", "nouns", "plural_of", "shows_its_name"]

# One thing a line: what it is called in captions, then, after a colon, the names of pictures that show it (none: the
# same name). Several things whose pictures have their own name stand on one line, divided by commas.
_ANIMALS = """
cat: cat, cat face
dog: dog, dog face
cow: cow, cow face
pig: pig, pig face
rabbit: rabbit, rabbit face
horse: horse, horse face
monkey: monkey, monkey face
tiger: tiger, tiger face
dragon: dragon, dragon face
mouse: mouse face
chick: baby chick
bee: honeybee, bee
ladybug: lady beetle, ladybug
sheep: ewe
hippo: hippopotamus
rhino: rhinoceros
dinosaur: sauropod
whale: whale, spouting whale
chicken, bird, bear, fish, dolphin, elephant, octopus, ant, crab, crocodile, frog, panda, ram, snake, camel, chipmunk
dove, goat, hamster, koala, owl, ox, penguin, poodle, rooster, shrimp, snail, turkey, turtle, unicorn, water buffalo
wolf, bat, deer, duck, eagle, fox, gorilla, leopard, lion, rat, scorpion, shark, spider, beaver, cricket, dodo
hedgehog, lizard, seal, squid, oyster, polar bear, sloth, skunk, swan, badger, beetle, bison, cockroach, donkey
flamingo, fly, giraffe, goose, jellyfish, kangaroo, llama, lobster, mammoth, moose, mosquito, orangutan, otter, parrot
peacock, raccoon, worm, zebra, bug, tropical fish, blowfish, butterfly
"""
_FOOD = """
apple: apple, red apple, green apple
hamburger: hamburger, burger
cake: cake, shortcake
cocktail: cocktail glass, cocktail
glass: tumbler glass
wine glass: wine glass
kiwi: kiwi fruit
cup: cup, tea cup
mushroom: mushroom, brown mushroom
lemon, strawberry, watermelon, peach, pear, pineapple, tangerine, mango, melon, coconut, avocado, eggplant, potato
carrot, tomato, onion, olive, cucumber, hot pepper, bell pepper, chestnut, doughnut, cookie, croissant, bagel, pretzel
waffle, taco, burrito, hot dog, sandwich, pizza, rice ball, dumpling, egg, cupcake, pie, birthday cake, candy, lollipop
beer mug, tropical drink, teapot, baby bottle, honey pot, fortune cookie, banana
"""
_TRAVEL = """
car: automobile, car
bicycle: bicycle, bike
motorcycle: motorcycle, motorbike
truck: delivery truck, truck
scooter: motor scooter
boat: boat, motor boat
house: house, home
tree: tree, deciduous tree, evergreen tree, pine tree
bus, taxi, airplane, ambulance, fire engine, police car, tractor, train, tram, locomotive, helicopter, rocket, sailboat
ship, speedboat, ferry, canoe, minibus, racing car, pickup truck, trolleybus, kick scooter, skateboard
hot air balloon, satellite, flying saucer, auto rickshaw, bullet train, castle, church, factory, hospital, school, hut
tent, fountain, volcano, mountain, ferris wheel
"""
_NATURE = """
flower: flower, blossom, white flower, cherry blossom
leaf: leaf, maple leaf
droplet: droplet, water drop
planet: planet, ringed planet
moon: crescent moon
shell: shell, spiral shell
palm tree, christmas tree, cactus, rose, tulip, sunflower, hibiscus, lotus, hyacinth, star, sun, cloud, snowflake
snowman, comet, feather, bone, shamrock, potted plant, seedling
"""
_THINGS = """
book: book, open book, closed book, green book, blue book, orange book
gift: wrapped gift, gift, gift box
heart: heart, red heart, orange heart, yellow heart, green heart, blue heart, purple heart, brown heart, black heart
television: television, tv
phone: mobile phone, smartphone
telephone: telephone
light bulb: light bulb, bulb
clock: clock, mantelpiece clock
hourglass: hourglass, hourglass done
lock: locked, lock
saw: carpentry saw
ruler: straight ruler
diamond: gem stone, diamond
balloon: balloon, party balloon
medal: medal, sports medal
suitcase: luggage
t-shirt: t-shirt, t shirt
sneaker: running shoe
shoe: man's shoe
boot: woman's boot
sandal: woman's sandal
hat: woman's hat
football: american football
camera: camera, photo camera
laptop: laptop, laptop computer
key: key, old key
umbrella: umbrella, open umbrella, closed umbrella
lamp: lamp, table lamp, floor lamp, desk lamp
die: game die
chair, bed, door, window, bathtub, toilet, radio, video camera, movie camera, printer, microphone, flashlight, battery
candle, mirror, alarm clock, watch, stopwatch, bell, bucket, basket, broom, toothbrush, razor, plunger, refrigerator
calculator, abacus, magnet, microscope, telescope, thermometer, syringe, pill, test tube, compass, map, hammer, wrench
screwdriver, axe, ladder, toolbox, shovel, hook, gear, pencil, pen, crayon, paintbrush, paperclip, pushpin
notebook, newspaper, clipboard, envelope, package, trophy, crown, ring, money bag, purse, handbag, backpack, briefcase
wallet, shopping cart, top hat, dress, kimono, coat, scarf, boxing glove, ice skate, roller skate, lipstick
crystal ball, teddy bear, kite, yo-yo, puzzle piece, joystick, ball, soccer ball, basketball, baseball, volleyball
guitar, violin, trumpet, saxophone, drum, piano, harp, flute, banjo, accordion, shield, scroll, ticket, treasure chest
amphora, magic wand, wheel, parachute, boomerang, steering wheel, piggy bank, fire extinguisher, postbox
file cabinet, floppy disk, robot, alien, ghost, bomb, anchor, spoon, keyboard, calendar, jar, sled, flask, coin
megaphone, safety pin, skull, musical keyboard, file folder, seat, fountain pen
"""

# Pictures that show something else than their name says, or a whole framed scene: set, then names within it.
_NOT_SHOWN = """
icon-park: anchor anchor-one basketball-one camera-five camera-four camera-one camera-two chicken compass crown-two
    diamond-one diamond-three diamond-two doughnut egg egg-one envelope envelope-one frog handbag heart keyboard lamp
    lipstick magic-wand map-two pie pie-five pie-four pie-one pie-three pie-two pill radio-two ring ring-one robot-two
    seal seat telescope treasure-chest trumpet turkey
streamline-cyber-color: basketball bomb clock-1 cloud compass-2 whale
flat-ui: calculator camera compas egg flask key bulb mountain pencil ring rocket safe skateboard
streamline-flex-color: photo-camera photo-camera-flat
marketeq: cloud home-3 keyboard-3
streamline-freehand-color: color-crayon
streamline-sharp-color: water-drop-1 water-drop-1-flat
streamline-color: flower-alt flower-alt-flat
streamline-stickies-color: labtop labtop-duo
streamline-plump-color: pen-1 pen-1-flat
streamline-ultimate-color: satellite
streamline-emojis: castle factory ferris-wheel fountain ship tent maple-leaf
fxemoji: ferriswheel fountain sailboat ship tent volcano
emojione: tent turkey
"""
# Every picture of these sets stands on a coloured disc, or is a flag.
_SETS_NOT_USED = frozenset({"streamline-kameleon-color", "circle-flags"})

_IRREGULAR = {
    "mouse": "mice", "ox": "oxen", "goose": "geese", "wolf": "wolves", "leaf": "leaves", "snowman": "snowmen",
    "die": "dice", "sheep": "sheep", "fish": "fish", "deer": "deer", "shrimp": "shrimp", "bison": "bison",
    "moose": "moose", "squid": "squid", "tooth": "teeth", "foot": "feet", "knife": "knives", "shelf": "shelves",
    "tropical fish": "tropical fish", "blowfish": "blowfish", "jellyfish": "jellyfish", "potato": "potatoes",
    "tomato": "tomatoes", "mosquito": "mosquitoes", "volcano": "volcanoes", "mango": "mangoes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing: what one and several are called in captions, and the names of pictures that show it."""

    one: str
    many: str
    names: tuple[str, ...]


def plural_of(noun: str) -> str:
    """The plural of a countable English noun; of several words, that of the last."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    *first, last = noun.split(" ")
    if last in _IRREGULAR:
        return " ".join([*first, _IRREGULAR[last]])
    if last.endswith("y") and last[-2] not in "aeiou":
        last = f"{last[:-1]}ies"
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last = f"{last}es"
    else:
        last = f"{last}s"
    return " ".join([*first, last])


@cache
def nouns() -> tuple[Noun, ...]:
    """All things, sorted by name."""
    found: dict[str, Noun] = {}
    for line in "\n".join((_ANIMALS, _FOOD, _TRAVEL, _NATURE, _THINGS)).splitlines():
        one, colon, names = line.partition(":")
        for noun in [one] if colon else one.split(","):
            if name := noun.strip():
                shown = tuple(part.strip() for part in names.split(",")) if colon else (name,)
                found.setdefault(name, Noun(name, plural_of(name), shown))
    return tuple(found[name] for name in sorted(found))


@cache
def _not_shown() -> frozenset[str]:
    ids, name = set(), ""
    for word in _NOT_SHOWN.split():
        if word.endswith(":"):
            name = word
        else:
            ids.add(name + word)
    return frozenset(ids)


def shows_its_name(identity: str, icon_set: str) -> bool:
    """Whether a picture, by its id and set, was not left out by hand."""
    return icon_set not in _SETS_NOT_USED and identity not in _not_shown()
