"""Word lists of the icon builder: spelling repairs, set noise, brands, everyday synonyms. Data only, plus their patterns."""

import re

__all__ = ["BRANDS", "BROKEN", "COLOUR_WORDS", "FX_NAMES", "MASS", "NOISE", "NOT_USED", "RETELL", "SLANG", "SPELLING", "SUBGROUPS", "SYNONYMS"]

# Trade marks, companies, products and fictional characters: never used.
BRANDS = re.compile(
    r"\b(logos?|google|apple-?(?:music|tv|store|pay|logo)|app-?store|appstore|android\d*|ios\w*|imac\w*|ipads?|ipods?|iphones?|macbook\w*|mac|macos|windows-(?:logo|coding)|microsoft|"
    r"facebook\w*|instagram|twitter|tweet|reddit|youtube|whatsapp|telegram|tiktok|snapchat|spotify|pinterest|linkedin|skype|slack|dribbble|behance|"
    r"github|gitlab|git|octocat|docker|linux|ubuntu|debian|firefox|chrome|safari|edge-browser|amazon|aws|ebay|alibaba|aliexpress|alipay|"
    r"paypal|visa|mastercard|master-?card|american-express|amex|discover-card|apple-pay|bitcoin\w*|ethereum|litecoin|ripple|namecoin|dogecoin|crypto\w*|"
    r"netflix|hulu|twitch|vimeo|soundcloud|shazam|steam|playstation|xbox|nintendo|gameboy|wii|tetris|pac-?man|pokemon|pokeball|mario|sonic|minecraft|"
    r"batman|superman|spiderman|spider-man|captain-(?:shield|america)|ironman|iron-man|deadpool|hulk|avengers|star-wars\w*|darth|vader|yoda|r2d2|r2|bb8|c3po|"
    r"stormtrooper|wall-e|spongebob|minion|mickey|disney|harry-potter|hogwarts|sauron|gandalf|homer|simpson|hello-kitty|totoro|godzilla|"
    r"steve-jobs|jobs|einstein|trump|obama|lenin|che|dropbox|evernote|trello|asana|figma|sketch-app|photoshop|illustrator|indesign|adobe\w*|"
    r"kindle\w*|nook|stumbleupon|wikipedia|bbc|vip|vlc|icons8\w*|dvd-logo|magicmouse|magic-mouse|airpods?|airdrop\w*|siri|alexa|cortana|chatgpt|openai|"
    r"gmail|yahoo|bing|baidu|wechat|weibo|qq|taobao|tencent|bytedance|toutiao|byte|mitsubishi|toyota|benz|bmw|audi|ferrari|tesla|uber|airbnb|lyft|"
    r"nike|adidas|starbucks|coca-?cola|pepsi|mcdonald\w*(?!-islands)|kfc|lego|ikea|gopro|nokia|samsung|huawei|xiaomi|sony|canon|nikon|polaroid|intel|nvidia|"
    r"css3?|html5?|php|java|javascript|python|swift|react|vue|angular|wordpress|joomla|drupal|magento|shopify|jquery|sass|nfc-sign|usb-logo|wi-fi-logo|"
    r"swarm|foursquare|yelp|tumblr|flickr|vk|viber|messenger|discord|meta|threads|mastodon|bluesky|hangouts|wordpress|rss|creative-commons|hbo|mtv|"
    r"vr-oculus|oculus|segway|tinder|grindr|pornhub|rapper|illuminati|memoji|guapimao|simba|nemo|pikachu|snoopy|garfield|watchmen|predator|"
    r"mtr|jobs|oscar|emmy|grammy|olympic\w*|michelin|swiss-?army\w*|kremlin|cinema-4d|play-store|play-station|epic-games|go-pro|blackberry|converse|retina|walkman|user-interface|dude|lettersymbol|stream|kirby|megaman|charlie-chaplin|death-star|xiaodu\S*|airplay|iwatch|vespa|arduino\S*|dribble|face-id|touch-id|baokemeng|game-ps|windows|hatchi|video-game-hatchi|red-cross|cross-society|file-(?:word|doc)|maya|sperm|twitter\S*|excel|powerpoint|ppt|after-effects|lightroom|xd|unsplash|tiktok|bilibili|zhihu|douban|dingtalk)\b"
)

# Single drawings that are a trade mark under an everyday name, or not what their name says.
NOT_USED = frozenset(
    f"streamline-{name}" for name in (
        "color:apple", "color:apple-flat", "sharp-color:apple", "sharp-color:apple-flat", "flex-color:apple", "flex-color:apple-flat",
        "plump-color:bell", "plump-color:bell-flat", "flex-color:bell", "flex-color:bell-flat",
    )
)  # fmt: skip

# Drawings that look broken, empty or unreadable at 64 pixels, or that nobody should learn to draw.
BROKEN = re.compile(
    r"\b(porn\w*|sexshop|condom\w*|tampon|cigarettes?-?\w*|cannabis\w*|marijuana|weed|drugs?|nazi|swastika|gun|rifle|suicide|middle-finger|middlefinger|"
    r"regionalindicator\w*|regional-indicator\w*|cjkunified\w*|circledideograph\w*|hair-component|noto-blank|beaufort|uv-index|time-(?:late|morning|afternoon|evening|night)\S*|code-(?:green|orange|red|yellow)|not-available|celsius|fahrenheit|pressure-(?:low|high)|^pistol$|^chat$|guapimao|laboratory-sperm|pregnancy-sperm)\b"
)

SPELLING = {
    "ubmrella": "umbrella", "bikecycle": "bicycle", "reciept": "receipt", "recieve": "receive", "labtop": "laptop",
    "clound": "cloud", "databse": "database", "forbiden": "forbidden", "appartment": "apartment", "screenchot": "screenshot",
    "trebble": "treble", "indiferent": "indifferent", "contrass": "contrast", "ballott": "ballot", "handphone": "mobile phone",
    "hampster": "hamster", "clapboard": "clapperboard", "vide": "video", "exclaimation": "exclamation", "saggitarius": "sagittarius",
    "trisngle": "triangle", "captial": "capital", "dissapointed": "disappointed", "baloon": "balloon", "manltepiece": "mantelpiece",
    "thoughtbaloon": "thought balloon", "smilling": "smiling", "earpod": "earphone", "earpods": "earphones", "airconditioner": "air conditioner",
    "donut": "doughnut", "donuts": "doughnuts", "motorcicle": "motorcycle", "calender": "calendar", "chesse": "cheese",
    "colour": "color", "harddisk": "hard disk", "harddrive": "hard drive", "brickwall": "brick wall", "telemarketer": "call center agent",
    "cellphone": "mobile phone", "goverment": "government", "trolly": "trolley", "restraunt": "restaurant", "resturant": "restaurant",
    "instrusments": "instruments", "excercise": "exercise", "dices": "dice", "scissor": "scissors", "bycicle": "bicycle",
    "teeth": "tooth", "smart": "smart", "compasses": "drawing compass", "timer0": "timer", "safebox": "safe box", "gearshift": "gear shift",
    "whit": "with", "sciene": "science", "icecream": "ice cream", "compas": "compass", "mobilephone": "mobile phone", "yinyang": "yin yang",
    "telecommunicator": "telephone operator", "urban": "young", "hat": "hat", "gasoline": "petrol", "handbang": "handbag",
}  # fmt: skip

# Words that say something of the file and nothing of the drawing.
NOISE = frozenset(
    "duo flat alt alternate remix color colour streamline icon icons fill line outline filled solid bold light regular one two three four five "
    "variant style copy component default homosexual imac".split()
)
COLOUR_WORDS = frozenset(
    "red orange yellow green blue purple pink brown black white grey gray teal dark light golden gold silver".split()
)

# Labels said the way people say them; key: emoji label; value: other names, the most usual first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "automobile": ("car", "red car"), "oncoming automobile": ("car", "car from the front"), "sport utility vehicle": ("car", "suv"),
    "racing car": ("race car",), "police car": ("police car",), "taxi": ("taxi cab", "taxi car"), "red apple": ("apple",),
    "green apple": ("apple",), "cat face": ("cat", "cat head"), "cat": ("cat",), "black cat": ("cat",),
    "dog face": ("dog", "dog head"), "guide dog": ("dog",), "service dog": ("dog",), "poodle": ("poodle dog", "dog"),
    "house": ("home",), "house with garden": ("house", "home with a tree"), "houses": ("group of houses",), "derelict house": ("old house", "house"),
    "evergreen tree": ("tree", "pine tree"), "deciduous tree": ("tree", "green tree"), "palm tree": ("tree",),
    "christmas tree": ("tree", "decorated tree"), "red heart": ("heart",), "orange heart": ("heart",), "yellow heart": ("heart",),
    "green heart": ("heart",), "blue heart": ("heart",), "purple heart": ("heart",), "black heart": ("heart",), "white heart": ("heart",),
    "brown heart": ("heart",), "pink heart": ("heart",), "grey heart": ("heart",), "light blue heart": ("heart",),
    "heart suit": ("heart",), "star": ("yellow star",), "glowing star": ("star", "shining star"), "sun with face": ("sun", "smiling sun"),
    "sun": ("sunshine",), "tropical fish": ("fish", "colorful fish"), "fish": ("blue fish",), "blowfish": ("fish", "puffer fish"),
    "cherry blossom": ("flower", "pink flower"), "blossom": ("flower", "yellow flower"), "hibiscus": ("flower", "red flower"),
    "rose": ("flower", "red rose"), "tulip": ("flower", "pink tulip"), "sunflower": ("flower", "yellow sunflower"), "lotus": ("lotus flower", "flower"),
    "hyacinth": ("flower",), "wilted flower": ("flower", "dead flower"), "white flower": ("flower",), "rosette": ("flower",),
    "birthday cake": ("cake", "cake with frosting"), "shortcake": ("cake", "slice of cake"), "cupcake": ("small cake",), "moon cake": ("cake",),
    "open book": ("book",), "closed book": ("book", "red book"), "green book": ("book",), "blue book": ("book",), "orange book": ("book",),
    "notebook": ("book",), "books": ("stack of books",), "bell": ("golden bell",), "bell with slash": ("muted bell",), "alarm clock": ("clock",),
    "mantelpiece clock": ("clock",), "timer clock": ("clock", "timer"), "bird": ("little bird",), "black bird": ("bird", "crow"),
    "eagle": ("bird of prey", "bird"), "dove": ("bird", "white bird"), "parrot": ("bird", "green parrot"), "sailboat": ("boat", "sailing boat"),
    "speedboat": ("boat", "fast boat"), "motor boat": ("boat",), "canoe": ("boat", "small boat"), "ship": ("big ship", "boat"), "passenger ship": ("cruise ship", "ship"),
    "ferry": ("ferry boat", "boat"), "teacup without handle": ("cup", "cup of tea"), "hot beverage": ("cup of coffee", "coffee cup", "cup"),
    "cup with straw": ("cup", "soft drink"), "trophy": ("trophy cup", "golden trophy"), "soccer ball": ("ball", "football"), "basketball": ("ball",),
    "baseball": ("ball",), "volleyball": ("ball",), "tennis": ("tennis ball", "ball"), "softball": ("ball",), "rugby football": ("rugby ball", "ball"),
    "american football": ("ball", "football"), "wrapped gift": ("gift", "present", "gift box"), "airplane": ("plane", "aeroplane"),
    "bicycle": ("bike",), "motorcycle": ("motorbike",), "locomotive": ("steam train", "train"), "high-speed train": ("train",), "bullet train": ("train",),
    "delivery truck": ("truck",), "articulated lorry": ("truck", "lorry"), "fire engine": ("fire truck",), "bus": ("yellow bus",), "tractor": ("farm tractor",),
    "helicopter": ("chopper",), "television": ("tv",), "telephone": ("phone",), "mobile phone": ("smartphone", "phone"), "telephone receiver": ("phone",),
    "laptop": ("laptop computer", "computer"), "desktop computer": ("computer",), "computer mouse": ("mouse",), "camera": ("photo camera",),
    "camera with flash": ("camera",), "eyeglasses": ("glasses",), "sunglasses": ("dark glasses",), "t-shirt": ("shirt",), "necktie": ("tie",),
    "running shoe": ("shoe", "sneaker"), "man's shoe": ("shoe",), "high-heeled shoe": ("shoe",), "top hat": ("hat",), "woman's hat": ("hat",),
    "handbag": ("bag",), "clutch bag": ("bag",), "backpack": ("school bag",), "hamburger": ("burger",), "french fries": ("fries", "chips"),
    "hot dog": ("sausage in a bun",), "soft ice cream": ("ice cream cone", "ice cream"), "ice cream": ("bowl of ice cream",), "doughnut": ("donut",),
    "cheese wedge": ("cheese",), "bread": ("loaf of bread",), "cooking": ("fried egg", "egg in a pan"), "egg": ("white egg",), "glass of milk": ("milk",),
    "wine glass": ("glass of wine",), "beer mug": ("beer", "glass of beer"), "tumbler glass": ("glass",), "cocktail glass": ("cocktail",), "rabbit face": ("rabbit", "bunny"),
    "rabbit": ("bunny",), "mouse face": ("mouse",), "cow face": ("cow",), "pig face": ("pig",), "horse face": ("horse",), "tiger face": ("tiger",),
    "monkey face": ("monkey",), "dragon face": ("dragon",), "lion": ("lion head",), "bear": ("bear head", "teddy bear face"), "panda": ("panda bear",),
    "wolf": ("wolf head",), "fox": ("fox head",), "frog": ("frog head",), "hatching chick": ("chick",), "baby chick": ("chick",), "chicken": ("hen",),
    "honeybee": ("bee",), "lady beetle": ("ladybug", "ladybird"), "bug": ("caterpillar",), "spouting whale": ("whale",), "crocodile": ("alligator",),
    "sun behind cloud": ("partly cloudy sky",), "cloud with rain": ("rain cloud",), "cloud with snow": ("snow cloud",), "crescent moon": ("moon",),
    "full moon": ("moon",), "high voltage": ("lightning bolt", "lightning"), "fire": ("flame",), "droplet": ("drop of water", "water drop"), "water wave": ("wave", "ocean wave"),
    "globe showing americas": ("earth", "globe"), "globe showing europe-africa": ("earth", "globe"), "globe showing asia-australia": ("earth", "globe"),
    "ringed planet": ("planet with rings", "saturn"), "light bulb": ("bulb",), "magnifying glass tilted left": ("magnifying glass",),
    "magnifying glass tilted right": ("magnifying glass",), "locked": ("padlock", "lock"), "unlocked": ("open padlock", "open lock"), "hammer and wrench": ("tools",),
    "chart increasing": ("rising chart",), "chart decreasing": ("falling chart",), "spiral calendar": ("calendar",), "wastebasket": ("trash can", "bin"),
    "envelope": ("letter",), "package": ("parcel", "cardboard box"), "money bag": ("bag of money",), "gem stone": ("diamond", "gem"), "video game": ("game controller",),
    "musical note": ("music note",), "speaker high volume": ("loudspeaker",), "kitchen knife": ("knife",), "pile of poo": ("poop",), "skull": ("skull head",),
    "ghost": ("white ghost",), "alien": ("alien head",), "robot": ("robot head",), "grinning face": ("happy face", "smiley"), "angry face": ("angry smiley",),
    "crying face": ("sad face",), "hand with fingers splayed": ("open hand", "hand"), "raised hand": ("hand",), "thumbs up": ("thumbs up hand",), "eye": ("open eye",),
    "door": ("wooden door",), "bed": ("bed with pillow",), "chair": ("wooden chair",), "couch and lamp": ("couch",), "bathtub": ("bath",), "jack-o-lantern": ("halloween pumpkin", "pumpkin"),
    "snowman without snow": ("snowman",), "maple leaf": ("leaf", "autumn leaf"), "fallen leaf": ("leaf",), "leaf fluttering in wind": ("leaf",), "four leaf clover": ("clover",),
    "ear of corn": ("corn",), "hot pepper": ("chili pepper",), "eggplant": ("aubergine",), "tangerine": ("orange", "orange fruit"), "grapes": ("bunch of grapes",),
    "cherries": ("pair of cherries",), "peach": ("peach fruit",), "watermelon": ("slice of watermelon",), "pine decoration": ("bamboo decoration",),
}  # fmt: skip

# Names of the fxemoji set that a dictionary splits wrongly.
FX_NAMES = {
    "aok": "ok hand", "arrowrightwardsdownwards": "right arrow curving down", "backofenvelope": "back of envelope", "blacknib": "black nib",
    "bunnyside": "rabbit", "bunny": "rabbit face", "catside": "cat", "dogside": "dog", "dog": "dog face", "cat": "cat face", "construct": "construction worker",
    "cop": "police officer", "gma": "old woman", "gpa": "old man", "guyguy": "men holding hands", "girlgirl": "women holding hands", "girlguy": "woman and man holding hands",
    "hands": "open hands", "handup": "raised hand", "high5": "raised hands", "hocho": "kitchen knife", "heels": "high-heeled shoe", "house": "house",
    "izakayalantern": "red paper lantern", "leopardside": "leopard", "mouseside": "mouse", "mouse": "mouse face", "pigside": "pig", "pig": "pig face", "tigerside": "tiger",
    "tiger": "tiger face", "dragonside": "dragon", "dragonhead": "dragon face", "monkeyhear": "hear-no-evil monkey", "monkeysee": "see-no-evil monkey",
    "monkeyspeak": "speak-no-evil monkey", "moyai": "moai", "oldpersonalcomputer": "old computer", "potoffood": "pot of food", "spurtingwhale": "spouting whale",
    "studiomic": "studio microphone", "toykotower": "tokyo tower", "trumpet": "trumpet", "uniform": "uniform", "earofmaize": "ear of corn", "aubergine": "eggplant",
    "automatedtellermachine": "atm sign", "chipmunk": "chipmunk", "cocktailglass": "cocktail glass", "construction": "construction", "contact": "bust in silhouette",
    "contact2": "busts in silhouette", "dango": "dango", "fatherchristmas": "santa claus", "fishcakeswirl": "fish cake with swirl", "fistedhand": "oncoming fist",
    "flexbicep": "flexed biceps", "forkandknife": "fork and knife", "forkknife": "fork and knife", "gamedie": "game die", "gem": "gem stone", "honeybee": "honeybee",
    "kiss": "kiss", "ladybeetle": "lady beetle", "meatonbone": "meat on bone", "meridianglobe": "globe with meridians", "mensrunner": "running shoe", "sleuthspy": "detective",
    "sliceofpizza": "pizza", "softicecream": "soft ice cream", "surfer": "person surfing", "swimming": "person swimming", "weightlifter": "person lifting weights",
    "construct ": "construction worker", "2hearts": "two hearts", "moviecamera": "movie camera", "jackolantern": "jack-o-lantern", "beachumbrella": "beach umbrella",
    "present": "wrapped gift", "crown": "crown", "sun": "sun", "whitesun": "sun", "sunrays": "sun", "threeraysabove": "", "threeraysbelow": "", "threeraysleft": "",
    "threeraysright": "", "maximize": "", "minimize": "", "up": "", "down": "", "left": "", "right": "", "note": "", "index": "index pointing up", "person": "person",
    "waitress": "woman tipping hand", "boot": "woman's boot", "bow": "ribbon", "bowing": "person bowing", "dancer": "woman dancing", "haircut": "person getting haircut",
    "headmassage": "person getting massage", "nogesture": "person gesturing no", "okgesture": "person gesturing ok", "pout": "enraged face", "running": "person running",
    "walking": "person walking", "sweatsplash": "sweat droplets", "dash": "dashing away", "anger": "anger symbol", "angry": "angry face", "ring": "ring", "tie": "necktie",
    "foxcrying": "crying fox face", "foxgrin": "grinning fox face", "foxheart": "smiling fox face with heart eyes", "foxkissing": "kissing fox face",
    "foxpouting": "pouting fox face", "foxsmiling": "smiling fox face", "foxtearofjoy": "fox face with tears of joy", "foxweary": "weary fox face", "foxwry": "fox face with wry smile",
    "grineyes": "grinning face with smiling eyes", "grinsquint": "grinning squinting face", "grinsweat": "grinning face with sweat", "grintears": "face with tears of joy",
    "grinwide": "grinning face with big eyes", "grinwideeyes": "grinning face", "grin": "beaming face with smiling eyes", "crying": "crying face", "neutral": "neutral face", "pouting": "enraged face",
    "winking": "winking face", "tired": "tired face", "triumph": "face with steam from nose", "smirk": "smirking face", "halo": "smiling face with halo", "frown": "frowning face", "frownmouth": "frowning face with open mouth",
    "smallfrown": "slightly frowning face", "smallsmile": "slightly smiling face", "smileeyes": "smiling face with smiling eyes", "smiletongue": "face savoring food", "tongueout": "face with tongue",
    "tongueoutwink": "winking face with tongue", "tongueoutwink2": "squinting face with tongue", "screamfear": "face screaming in fear", "loudlycrying": "loudly crying face", "whitesmilingface": "smiling face",
    "kissclosedeyes": "kissing face with closed eyes", "kisseyes": "kissing face with smiling eyes", "kissing": "kissing face", "hearteyes": "smiling face with heart-eyes", "medicalmask": "face with medical mask",
    "dissapointedrelief": "sad but relieved face", "perservere": "persevering face", "anguish": "anguished face", "devilhorns": "smiling face with horns", "imp": "angry face with horns", "coldsweat": "anxious face with sweat",
    "sweat": "downcast face with sweat", "openmouth": "face with open mouth", "nomouth": "face without mouth", "astonished": "astonished face", "confounded": "confounded face", "confused": "confused face",
    "disappointed": "disappointed face", "dizzyface": "face with crossed-out eyes", "expressionless": "expressionless face", "fearful": "fearful face", "flushed": "flushed face", "grimacing": "grimacing face", "hushed": "hushed face",
    "pensive": "pensive face", "relieved": "relieved face", "sleeping": "sleeping face", "sleepy": "sleepy face", "unamused": "unamused face", "weary": "weary face", "worried": "worried face", "sunglasses": "smiling face with sunglasses",
    "blonde": "person with blond hair", "bride": "person with veil", "clap": "clapping hands", "lips": "mouth", "golfer": "person golfing", "guardsman": "guard", "poo": "pile of poo", "turban": "person wearing turban",
    "heartblue": "blue heart", "heartgreen": "green heart", "heartpurple": "purple heart", "heartyellow": "yellow heart", "heartarrow": "heart with arrow", "heartribbon": "heart with ribbon", "heartlefttip": "heart suit",
    "americasglobe": "globe showing americas", "asiaaustraliaglobe": "globe showing asia-australia", "europeafricaglobe": "globe showing europe-africa", "evergreen": "evergreen tree", "fallingleaf": "fallen leaf",
    "frontfacingchick": "front-facing baby chick", "ox": "ox", "sheep": "ewe", "hampster": "hamster", "wolfface": "wolf", "frogface": "frog", "chilipepper": "hot pepper", "bouquetofflowers": "bouquet", "doveofpeace": "dove",
    "acorn": "acorn", "dromedarycamel": "camel", "bactriancamel": "two-hump camel", "pigsnout": "pig nose", "leaffluttering": "leaf fluttering in wind", "whitemediumstar": "star", "whitestar": "star", "stormcloud": "cloud with lightning",
    "sunraincloud": "sun behind rain cloud", "whitesunbehindcloud": "sun behind large cloud", "whitesunsmallcloud": "sun behind small cloud", "waningbibbousmoon": "waning gibbous moon", "bolt": "high voltage",
    "snowmountains": "snow-capped mountain", "basketballandhoop": "basketball", "billiards": "pool 8 ball", "curryandrice": "curry rice", "daggerknife": "dagger", "directhit": "bullseye", "videocasette": "videocassette",
    "tapecartridge": "cassette", "opticaldisc": "optical disk", "opticaldiscicon": "optical disk", "floppydisk2": "floppy disk", "harddisk": "hard disk", "personalcomputer": "desktop computer", "telephonereceiver2": "telephone receiver",
    "blacktelephone": "telephone", "cellphone": "mobile phone", "clamshellmobile": "flip phone", "electrictorch": "flashlight", "hourglassflowingsand": "hourglass not done", "housebuilding": "house", "housebuildings": "houses",
    "manltepiececlock": "mantelpiece clock", "mansshirt": "t-shirt", "mensshoe": "man's shoe", "womanshat": "woman's hat", "womansshirt": "woman's clothes", "sandals": "woman's sandal", "makeupbag": "clutch bag", "pinkwallet": "purse",
    "schoolsatchel": "backpack", "sakebottleandcup": "sake", "playingcardblackjoker": "joker", "ringingbell": "bell", "spiralcalendarpad": "spiral calendar", "sunsetoverbuildings": "sunset", "handheldvideocamera": "video camera",
    "banknotedollar": "dollar banknote", "banknoteeuro": "euro banknote", "banknotepound": "pound banknote", "banknoteyen": "yen banknote", "multiplemusicalnotes": "musical notes", "leftmagnifyingglass": "magnifying glass tilted left",
    "rightmagnifyingglass": "magnifying glass tilted right", "blackscissors": "scissors", "blackpushpin": "pushpin", "blackdroplet": "droplet", "largeredcircle": "red circle", "warningsign": "warning", "portablestereo": "radio",
    "policecarsrevolvinglight": "police car light", "highspeedtrainbulletnose": "bullet train", "silhouetteohjapan": "map of japan", "constructionsign": "construction", "skiandskiboot": "skis", "stockchart": "bar chart",
    "chartupwardstrend": "chart increasing", "chartdownwardstrend": "chart decreasing", "chartupwardstrendyen": "chart increasing with yen", "lockandkey": "locked with key", "lockwithinkpen": "locked with pen", "speechbubble": "speech balloon",
    "thoughtbaloon": "thought balloon", "speakingheadinsilhouette": "speaking head", "smokingsymbol": "", "reversehandmiddlefinger": "", "pistol": "water pistol", "confetti": "confetti ball", "franceflag": "flag of france",
    "japanflag": "flag of japan", "koreaflag": "flag of south korea", "italianflag": "flag of italy", "russianflag": "flag of russia", "spanishflag": "flag of spain", "chineseflag": "flag of china", "greatbritainflag": "flag of united kingdom",
    "crossedflags": "crossed flags", "bellcancellation": "bell with slash", "antennawithbars": "antenna bars", "saggitarius": "sagittarius", "scorpius": "scorpio", "folder": "file folder", "openfolder": "open file folder",
    "blackskullcrossbones": "skull and crossbones", "onebuttonmouse": "computer mouse", "twobuttonmouse": "computer mouse", "threebuttonmouse": "computer mouse", "musicascend": "", "musicdescend": "", "printericon": "printer",
    "wiredkeyboard": "keyboard", "recreationalvehicle": "sport utility vehicle", "waving": "waving hand", "bunnyears": "people with bunny ears", "couplekiss": "kiss", "flyingenvelope": "envelope with wings", "ten": "", "overlap": "", "imp ": "",
    "maninbusinesssuitlevitating": "person in suit levitating", "document": "document", "reminder": "reminder ribbon", "frame": "picture frame", "framewithpicture": "framed picture", "framewithtiles": "", "framewithx": "",
    "screen": "computer screen", "rosette": "rosette", "blackrosette": "rosette", "whiteflower": "white flower", "bullhorn": "megaphone", "bullhornwithsoundwaves": "megaphone", "fireworksparkler": "sparkler",
    "clock12oclock": "twelve o'clock", "clock1oclock": "one o'clock", "clock2oclock": "two o'clock", "clock3oclock": "three o'clock", "clock4oclock": "four o'clock", "clock5oclock": "five o'clock", "clock6oclock": "six o'clock",
    "clock7oclock": "seven o'clock", "evergreentree": "evergreen tree", "outbox": "outbox tray", "celticcross": "celtic cross", "heavylatincross": "latin cross", "whitelatincross": "latin cross",
    "blackclubsuit": "club suit", "blackdiamondsuit": "diamond suit", "blackheartsuit": "heart suit", "blackspadesuit": "spade suit", "japaneseangrymask": "ogre", "threenetworkedcomputers": "networked computers",
    "informationsource": "information", "closedmailboxlowered": "closed mailbox with lowered flag", "closedmailboxraised": "closed mailbox with raised flag", "openmailboxlowered": "open mailbox with lowered flag",
    "openmailboxraised": "open mailbox with raised flag", "highbrightness": "bright button", "lowbrightness": "dim button", "leftthoughtbubble": "thought balloon", "rightthoughtbubble": "thought balloon", "rightspeechbubble": "speech balloon",
    "leftangerbubble": "right anger bubble", "notebookdecorativecover": "notebook with decorative cover", "stampedenvelope": "stamped envelope", "moodbubble": "", "lightningmood": "", "lightningmoodbubble": "",
    "lowerleftpencil": "pencil", "lowerleftpen": "pen", "lowerleftcrayon": "crayon", "lowerleftpaintbrush": "paintbrush", "lowerleftfountainpen": "fountain pen", "leftwritinghand": "writing hand",
}  # fmt: skip

MASS = frozenset(
    "rice bread cheese milk honey salt butter bacon popcorn ice snow rain fog wind fire water music money sushi oden garlic ginger broccoli "
    "spaghetti pasta lightning hair grass sand smoke steam dust haze drizzle sleet hail tea coffee beer wine sake juice corn food furniture luggage "
    "clothing mail jewelry sunshine weather electricity information software hardware data chocolate curry custard tofu meat beef pork fries chips "
    "thunder wood rock coal oil gas soap shampoo perfume toothpaste paper glass-ware jeans shorts scissors glasses sunglasses eyeglasses pants trousers chopsticks "
    "tools dice teeth feet people men women children team staff equipment machinery traffic crossing sheep-s".split()
)

SLANG = frozenset(
    "lol rofl haha hahaha bae fam yolo ttyl ttfn g2g cya outtie yo hey wut wtf omg xoxo ily tysm thx pls bruh dude lmao lmfao nvm btw idk imo smh ftw gg ugh meh eww "
    "gah yep nope nah yay yum omw swag lit sus simp stan slay oof derp duh aww aah ooh bc oc hru brb stfu ofc tbh 143 kthx goat damn hell crap poop turd dumb stupid "
    "sexy hot hoe ass butt dick nude bimbo hooker prostitute drunk sucks hate kill murder death die suicide bloody plz sayin tongue-out rizz drip woah whoa yuck ew adorbs tbt fyi bff fr rn yas yaas fuck shit pee wc you that this with the for and noob boi boo obv totes def goals".split()
)

# Unicode subgroup -> the everyday word for things of this kind.
SUBGROUPS: dict[str, str] = {
    "face-smiling": "smiley face", "face-affection": "smiley face", "face-tongue": "smiley face", "face-hand": "smiley face",
    "face-neutral-skeptical": "smiley face", "face-sleepy": "smiley face", "face-unwell": "smiley face", "face-hat": "smiley face",
    "face-glasses": "smiley face", "face-concerned": "smiley face", "face-negative": "smiley face", "face-costume": "creature face",
    "cat-face": "cat face", "monkey-face": "monkey", "heart": "heart", "emotion": "feeling", "hand-fingers-open": "hand",
    "hand-fingers-partial": "hand", "hand-single-finger": "hand", "hand-fingers-closed": "hand", "hands": "hands", "hand-prop": "hand",
    "body-parts": "body part", "person": "person", "person-gesture": "person", "person-role": "person at work", "person-fantasy": "fantasy character",
    "person-activity": "person", "person-sport": "person doing sport", "person-resting": "person", "family": "people", "person-symbol": "people symbol",
    "animal-mammal": "animal", "animal-bird": "bird", "animal-amphibian": "animal", "animal-reptile": "reptile", "animal-marine": "sea animal",
    "animal-bug": "insect", "plant-flower": "flower", "plant-other": "plant", "food-fruit": "fruit", "food-vegetable": "vegetable",
    "food-prepared": "food", "food-asian": "asian food", "food-marine": "seafood", "food-sweet": "sweet food", "drink": "drink", "dishware": "dishware",
    "place-map": "map", "place-geographic": "landscape", "place-building": "building", "place-religious": "religious building", "place-other": "place",
    "transport-ground": "vehicle", "transport-water": "water vehicle", "transport-air": "aircraft", "hotel": "travel", "time": "time",
    "sky-weather": "sky and weather", "event": "celebration", "award-medal": "award", "sport": "sport", "game": "game", "arts-crafts": "art",
    "clothing": "clothing", "sound": "sound", "music": "music", "musical-instrument": "musical instrument", "phone": "phone", "computer": "computer",
    "light-video": "light and video", "book-paper": "book and paper", "money": "money", "mail": "mail", "writing": "writing", "office": "office",
    "lock": "lock", "tool": "tool", "science": "science", "medical": "medicine", "household": "household", "other-object": "object",
    "transport-sign": "sign", "warning": "warning sign", "arrow": "arrow", "religion": "religious symbol", "zodiac": "zodiac sign", "av-symbol": "button",
    "gender": "symbol", "math": "math symbol", "punctuation": "punctuation", "currency": "currency", "other-symbol": "symbol", "keycap": "button",
    "alphanum": "letter button", "geometric": "shape", "flag": "flag", "country-flag": "flag", "subdivision-flag": "flag",
}  # fmt: skip

# Names that mean nothing as words -> what is drawn.
RETELL = {
    "smiling face with horns": "purple devil face", "o button (blood type)": "letter o button", "a button (blood type)": "letter a button",
    "b button (blood type)": "letter b button", "ab button (blood type)": "letters ab button", "light at the end of tunnel": "tunnel",
}  # fmt: skip
