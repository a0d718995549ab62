"""Word lists of the icon builder: spelling, file noise, nouns, slang, kinds of things. Data only."""

__all__ = ["LINKS", "MASS", "NOISE", "NOUNS", "SLANG", "SPELLING", "SUBGROUPS", "VERBS"]

# Misspelt or joined words in file names -> as they are written.
SPELLING = {
    "ubmrella": "umbrella", "bikecycle": "bicycle", "reciept": "receipt", "recieve": "receive", "labtop": "laptop",
    "clound": "cloud", "databse": "database", "forbiden": "forbidden", "appartment": "apartment",
    "screenchot": "screenshot", "trebble": "treble", "indiferent": "indifferent", "contrass": "contrast",
    "ballott": "ballot", "handphone": "mobile phone", "hampster": "hamster", "clapboard": "clapperboard",
    "vide": "video", "exclaimation": "exclamation", "saggitarius": "sagittarius", "trisngle": "triangle",
    "captial": "capital", "dissapointed": "disappointed", "baloon": "balloon", "manltepiece": "mantelpiece",
    "thoughtbaloon": "thought balloon", "smilling": "smiling", "earpod": "earphone", "earpods": "earphones",
    "airconditioner": "air conditioner", "donut": "doughnut", "donuts": "doughnuts", "motorcicle": "motorcycle",
    "calender": "calendar", "chesse": "cheese", "colour": "color", "harddisk": "hard disk", "harddrive": "hard drive",
    "brickwall": "brick wall", "telemarketer": "call center agent", "cellphone": "mobile phone",
    "goverment": "government", "trolly": "trolley", "restraunt": "restaurant", "resturant": "restaurant",
    "instrusments": "instruments", "excercise": "exercise", "dices": "dice", "scissor": "scissors",
    "bycicle": "bicycle", "teeth": "tooth", "compasses": "drawing compass", "timer0": "timer", "safebox": "safe box",
    "gearshift": "gear shift", "whit": "with", "sciene": "science", "icecream": "ice cream", "compas": "compass",
    "mobilephone": "mobile phone", "yinyang": "yin yang", "telecommunicator": "telephone operator", "urban": "young",
    "gasoline": "petrol", "handbang": "handbag",
}  # fmt: skip

# Words that say something of the file and nothing of the drawing.
NOISE = frozenset(
    (
        "alt", "alternate", "bold", "color", "colour", "component", "copy", "default", "duo", "fill", "filled",
        "five", "flat", "four", "homosexual", "icon", "icons", "imac", "light", "line", "one", "outline", "regular",
        "remix", "solid", "streamline", "style", "three", "two", "variant",
    )
)  # fmt: skip

# First or last words of names of actions; such names take no article.
VERBS = frozenset(
    (
        "accept", "add", "align", "approve", "bad", "book", "call", "cancel", "check", "close", "collapse", "copy",
        "crop", "cut", "decrease", "delete", "disapprove", "dislike", "do", "down", "download", "drag", "edit", "end",
        "enlarge", "enter", "exit", "expand", "filter", "flip", "forward", "good", "hide", "increase", "insert",
        "left", "like", "lock", "login", "logout", "loop", "make", "maximize", "merge", "minimize", "move", "next",
        "no", "not", "open", "paste", "pause", "play", "previous", "rating", "receive", "redo", "refresh", "reject",
        "reload", "remove", "repeat", "reply", "right", "rotate", "save", "scale", "scroll", "search", "select",
        "send", "share", "show", "shrink", "shuffle", "sign", "skip", "sort", "split", "start", "stop", "switch",
        "sync", "synchronize", "undo", "unlock", "up", "upload", "zoom",
    )
)  # fmt: skip

# Words without a plural, or plural by themselves: no article.
MASS = frozenset(
    (
        "bacon", "beef", "beer", "bread", "broccoli", "butter", "cheese", "children", "chips", "chocolate",
        "chopsticks", "clothing", "coal", "coffee", "corn", "crossing", "curry", "custard", "data", "dice", "drizzle",
        "dust", "electricity", "equipment", "eyeglasses", "feet", "fire", "fog", "food", "fries", "furniture",
        "garlic", "gas", "ginger", "glass-ware", "glasses", "grass", "hail", "hair", "hardware", "haze", "honey",
        "ice", "information", "jeans", "jewelry", "juice", "lightning", "luggage", "machinery", "mail", "meat", "men",
        "milk", "money", "music", "oden", "oil", "pants", "paper", "pasta", "people", "perfume", "popcorn", "pork",
        "rain", "rice", "rock", "sake", "salt", "sand", "scissors", "shampoo", "sheep-s", "shorts", "sleet", "smoke",
        "snow", "soap", "software", "spaghetti", "staff", "steam", "sunglasses", "sunshine", "sushi", "tea", "team",
        "teeth", "thunder", "tofu", "tools", "toothpaste", "traffic", "trousers", "water", "weather", "wind", "wine",
        "women", "wood",
    )
)  # fmt: skip

# Things that icons draw and emoji do not name; the other nouns come from the emoji labels.
NOUNS = frozenset(
    (
        "acorn", "airport", "alarm", "alien", "ambulance", "amplifier", "ant", "antenna", "anvil", "apartment",
        "arrow", "astronaut", "axe", "baby", "badge", "bag", "ball", "balloon", "bandage", "bank", "banknote",
        "banner", "barn", "barrel", "barrier", "basket", "bass", "battery", "beach", "beaker", "beanie", "bed", "bee",
        "bell", "belt", "bench", "bin", "bird", "biscuit", "bishop", "blanket", "blender", "boat", "bomb", "bone",
        "book", "bottle", "bow", "bowl", "box", "boy", "bracelet", "brain", "branch", "brick", "bridge", "brush",
        "bucket", "bulb", "burger", "bus", "cable", "cafe", "cage", "cake", "calendar", "candle", "candy", "cap",
        "capsule", "car", "card", "carousel", "carpet", "cart", "cassette", "castle", "cat", "cave", "chain", "chair",
        "chef", "chess", "chip", "church", "clip", "clock", "cloud", "cocktail", "coin", "comb", "comet", "compass",
        "cone", "cottage", "cow", "crab", "crate", "crown", "crutch", "cup", "cupboard", "cupcake", "curtain", "dam",
        "desert", "desk", "diamond", "diary", "dice", "disc", "doctor", "document", "dog", "dolphin", "domino",
        "door", "drawer", "drill", "drone", "duck", "dynamite", "eagle", "ear", "earphone", "earring", "elevator",
        "engine", "envelope", "eraser", "escalator", "extinguisher", "eye", "factory", "fan", "fence", "field",
        "file", "finger", "fire", "firefighter", "fish", "flag", "flask", "flower", "flute", "folder", "foot",
        "fridge", "frog", "garage", "gate", "gem", "ghost", "gift", "girl", "glider", "globe", "goat", "goose",
        "gramophone", "grass", "hammer", "hamster", "hand", "harp", "hat", "headset", "heart", "heater", "helmet",
        "hen", "hill", "home", "hook", "horn", "horse", "hospital", "hotel", "hourglass", "house", "hydrant",
        "island", "jacket", "jar", "jet", "jug", "juice", "kettle", "key", "keyboard", "king", "kite", "knight",
        "ladder", "ladybug", "lake", "lamp", "lantern", "leaf", "leg", "lens", "letter", "library", "lighthouse",
        "lizard", "lobster", "lock", "lorry", "lung", "magazine", "man", "map", "marker", "market", "mask", "medal",
        "meteor", "microphone", "microscope", "microwave", "milkshake", "mirror", "monitor", "moon", "moped",
        "mosque", "motorbike", "mountain", "mouth", "mug", "museum", "nail", "necklace", "net", "newspaper", "noodle",
        "nose", "note", "nurse", "nut", "octopus", "oven", "page", "paint", "palace", "palette", "pan", "parachute",
        "parcel", "parrot", "pasta", "pawn", "pen", "pencil", "person", "piano", "pig", "pill", "pillow", "pipe",
        "planet", "plant", "plate", "plug", "police", "port", "postcard", "poster", "pot", "printer", "projector",
        "purse", "puzzle", "queen", "rabbit", "raft", "rainbow", "raindrop", "rake", "receipt", "record",
        "refrigerator", "restaurant", "ribbon", "ring", "river", "robot", "rocket", "roller", "rook", "rope",
        "router", "ruler", "sack", "safe", "salad", "sandwich", "santa", "satellite", "sausage", "saw", "scanner",
        "school", "scooter", "screen", "screw", "screwdriver", "seal", "seed", "server", "shark", "sheep", "shelf",
        "shell", "shield", "shop", "shovel", "shower", "shrimp", "signpost", "sink", "siren", "skeleton", "skirt",
        "skull", "skyscraper", "slide", "slipper", "smartphone", "smoothie", "snake", "sneaker", "snowflake",
        "snowman", "socket", "sofa", "soldier", "soup", "sparrow", "spider", "stair", "stamp", "stapler", "star",
        "station", "steak", "stool", "stove", "stretcher", "student", "submarine", "suitcase", "sun", "swan",
        "sweater", "swing", "sword", "table", "tablet", "tambourine", "tank", "tap", "taxi", "teacher", "telescope",
        "temple", "tent", "theater", "thermometer", "ticket", "timer", "tire", "toaster", "toilet", "tooth", "torch",
        "tornado", "towel", "tower", "train", "tram", "tray", "tree", "tripod", "trolley", "truck", "tube",
        "turntable", "ufo", "van", "vase", "vest", "violin", "volcano", "wall", "wallet", "wand", "wardrobe",
        "warehouse", "watch", "waterfall", "wave", "whale", "wheel", "whistle", "windmill", "window", "woman",
        "worker", "worm", "wrench", "yacht",
    )
)  # fmt: skip

# Short words needed to split names that are written without spaces.
LINKS = frozenset(
    (
        "and", "at", "big", "box", "bus", "by", "car", "cat", "cd", "dog", "dvd", "ear", "eye", "ice", "in", "man",
        "men", "new", "no", "of", "ok", "old", "on", "pot", "sea", "sun", "tea", "top", "tv", "up",
    )
)  # fmt: skip

# Keywords of emoji that say nothing of the picture.
SLANG = frozenset(
    (
        "143", "aah", "adorbs", "and", "ass", "aww", "bae", "bc", "bff", "bimbo", "bloody", "boi", "boo", "brb",
        "bruh", "btw", "butt", "crap", "cya", "damn", "death", "def", "derp", "dick", "die", "drip", "drunk", "dude",
        "duh", "dumb", "ew", "eww", "fam", "for", "fr", "ftw", "fuck", "fyi", "g2g", "gah", "gg", "goals", "goat",
        "haha", "hahaha", "hate", "hell", "hey", "hoe", "hooker", "hot", "hru", "idk", "ily", "imo", "kill", "kthx",
        "lit", "lmao", "lmfao", "lol", "meh", "murder", "nah", "noob", "nope", "nude", "nvm", "obv", "oc", "ofc",
        "omg", "omw", "oof", "ooh", "outtie", "pee", "pls", "plz", "poop", "prostitute", "rizz", "rn", "rofl",
        "sayin", "sexy", "shit", "simp", "slay", "smh", "stan", "stfu", "stupid", "sucks", "suicide", "sus", "swag",
        "tbh", "tbt", "that", "the", "this", "thx", "tongue-out", "totes", "ttfn", "ttyl", "turd", "tysm", "ugh",
        "wc", "whoa", "with", "woah", "wtf", "wut", "xoxo", "yaas", "yas", "yay", "yep", "yo", "yolo", "you", "yuck",
        "yum",
    )
)  # fmt: skip

# Unicode subgroup -> the everyday word for things of this kind.
SUBGROUPS: dict[str, str] = {
    "face-smiling": "smiley face", "face-affection": "smiley face", "face-tongue": "smiley face",
    "face-hand": "smiley face", "face-neutral-skeptical": "smiley face", "face-sleepy": "smiley face",
    "face-unwell": "smiley face", "face-hat": "smiley face", "face-glasses": "smiley face",
    "face-concerned": "smiley face", "face-negative": "smiley face", "face-costume": "creature face",
    "cat-face": "cat face", "monkey-face": "monkey", "heart": "heart", "emotion": "feeling",
    "hand-fingers-open": "hand", "hand-fingers-partial": "hand", "hand-single-finger": "hand",
    "hand-fingers-closed": "hand", "hands": "hands", "hand-prop": "hand", "body-parts": "body part",
    "person": "person", "person-gesture": "person", "person-role": "person at work",
    "person-fantasy": "fantasy character", "person-activity": "person", "person-sport": "person doing sport",
    "person-resting": "person", "family": "people", "person-symbol": "people symbol", "animal-mammal": "animal",
    "animal-bird": "bird", "animal-amphibian": "animal", "animal-reptile": "reptile", "animal-marine": "sea animal",
    "animal-bug": "insect", "plant-flower": "flower", "plant-other": "plant", "food-fruit": "fruit",
    "food-vegetable": "vegetable", "food-prepared": "food", "food-asian": "asian food", "food-marine": "seafood",
    "food-sweet": "sweet food", "drink": "drink", "dishware": "dishware", "place-map": "map",
    "place-geographic": "landscape", "place-building": "building", "place-religious": "religious building",
    "place-other": "place", "transport-ground": "vehicle", "transport-water": "water vehicle",
    "transport-air": "aircraft", "hotel": "travel", "time": "time", "sky-weather": "sky and weather",
    "event": "celebration", "award-medal": "award", "sport": "sport", "game": "game", "arts-crafts": "art",
    "clothing": "clothing", "sound": "sound", "music": "music", "musical-instrument": "musical instrument",
    "phone": "phone", "computer": "computer", "light-video": "light and video", "book-paper": "book and paper",
    "money": "money", "mail": "mail", "writing": "writing", "office": "office", "lock": "lock", "tool": "tool",
    "science": "science", "medical": "medicine", "household": "household", "other-object": "object",
    "transport-sign": "sign", "warning": "warning sign", "arrow": "arrow", "religion": "religious symbol",
    "zodiac": "zodiac sign", "av-symbol": "button", "gender": "symbol", "math": "math symbol",
    "punctuation": "punctuation", "currency": "currency", "other-symbol": "symbol", "keycap": "button",
    "alphanum": "letter button", "geometric": "shape", "flag": "flag", "country-flag": "flag",
    "subdivision-flag": "flag",
}  # fmt: skip
