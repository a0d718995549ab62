"""Drawings that are never used: trade marks, and what is broken, meaningless or unfit at 64 pixels. Data only."""

import re

__all__ = ["BRANDS", "BROKEN", "NOT_USED"]

# Companies, products, people and characters, by parts of icon names. Emoji names are not held against this list.
_BRANDS = (
    r"adidas", r"adobe\w*", r"after-effects", r"airbnb", r"airdrop\w*", r"airplay", r"airpods?", r"alexa", r"alibaba",
    r"aliexpress", r"alipay", r"amazon", r"american-express", r"amex", r"android\d*", r"angular", r"app-?store",
    r"apple-?(?:music|tv|store|pay|logo)", r"apple-pay", r"appstore", r"arduino\S*", r"asana", r"audi", r"avengers",
    r"aws", r"baidu", r"baokemeng", r"batman", r"bb8", r"bbc", r"behance", r"benz", r"bilibili", r"bing",
    r"bitcoin\w*", r"blackberry", r"bluesky", r"bmw", r"byte", r"bytedance", r"c3po", r"canon",
    r"captain-(?:shield|america)", r"charlie-chaplin", r"chatgpt", r"che", r"chrome", r"cinema-4d", r"coca-?cola",
    r"converse", r"cortana", r"creative-commons", r"cross-society", r"crypto\w*", r"css3?", r"darth", r"deadpool",
    r"death-star", r"debian", r"dingtalk", r"discord", r"discover-card", r"disney", r"docker", r"dogecoin", r"douban",
    r"dribbble", r"dribble", r"dropbox", r"drupal", r"dude", r"dvd-logo", r"ebay", r"edge-browser", r"einstein",
    r"emmy", r"epic-games", r"ethereum", r"evernote", r"excel", r"face-id", r"facebook\w*", r"ferrari", r"figma",
    r"file-(?:word|doc)", r"firefox", r"flickr", r"foursquare", r"game-ps", r"gameboy", r"gandalf", r"garfield",
    r"git", r"github", r"gitlab", r"gmail", r"go-pro", r"godzilla", r"google", r"gopro", r"grammy", r"grindr",
    r"guapimao", r"hangouts", r"harry-potter", r"hatchi", r"hbo", r"hello-kitty", r"hogwarts", r"homer", r"html5?",
    r"huawei", r"hulk", r"hulu", r"icons8\w*", r"ikea", r"illuminati", r"illustrator", r"imac\w*", r"indesign",
    r"instagram", r"intel", r"ios\w*", r"ipads?", r"iphones?", r"ipods?", r"iron-man", r"ironman", r"iwatch", r"java",
    r"javascript", r"jobs", r"joomla", r"jquery", r"kfc", r"kindle\w*", r"kirby", r"kremlin", r"lego", r"lenin",
    r"lettersymbol", r"lightroom", r"linkedin", r"linux", r"litecoin", r"logos?", r"lyft", r"mac", r"macbook\w*",
    r"macos", r"magento", r"magic-mouse", r"magicmouse", r"mario", r"master-?card", r"mastercard", r"mastodon",
    r"maya", r"mcdonald\w*(?!-islands)", r"megaman", r"memoji", r"messenger", r"meta", r"michelin", r"mickey",
    r"microsoft", r"minecraft", r"minion", r"mitsubishi", r"mtr", r"mtv", r"namecoin", r"nemo", r"netflix",
    r"nfc-sign", r"nike", r"nikon", r"nintendo", r"nokia", r"nook", r"nvidia", r"obama", r"octocat", r"oculus",
    r"olympic\w*", r"openai", r"oscar", r"pac-?man", r"paypal", r"pepsi", r"photoshop", r"php", r"pikachu",
    r"pinterest", r"play-station", r"play-store", r"playstation", r"pokeball", r"pokemon", r"polaroid", r"pornhub",
    r"powerpoint", r"ppt", r"predator", r"python", r"qq", r"r2", r"r2d2", r"rapper", r"react", r"red-cross",
    r"reddit", r"retina", r"ripple", r"rss", r"safari", r"samsung", r"sass", r"sauron", r"segway", r"shazam",
    r"shopify", r"simba", r"simpson", r"siri", r"sketch-app", r"skype", r"slack", r"snapchat", r"snoopy", r"sonic",
    r"sony", r"soundcloud", r"sperm", r"spider-man", r"spiderman", r"spongebob", r"spotify", r"star-wars\w*",
    r"starbucks", r"steam", r"steve-jobs", r"stormtrooper", r"stream", r"stumbleupon", r"superman", r"swarm",
    r"swift", r"swiss-?army\w*", r"taobao", r"telegram", r"tencent", r"tesla", r"tetris", r"threads", r"tiktok",
    r"tinder", r"totoro", r"touch-id", r"toutiao", r"toyota", r"trello", r"trump", r"tumblr", r"tweet", r"twitch",
    r"twitter", r"twitter\S*", r"uber", r"ubuntu", r"unsplash", r"usb-logo", r"user-interface", r"vader", r"vespa",
    r"viber", r"video-game-hatchi", r"vimeo", r"vip", r"visa", r"vk", r"vlc", r"vr-oculus", r"vue", r"walkman",
    r"wall-e", r"watchmen", r"wechat", r"weibo", r"whatsapp", r"wi-fi-logo", r"wii", r"wikipedia", r"windows",
    r"windows-(?:logo|coding)", r"wordpress", r"xbox", r"xd", r"xiaodu\S*", r"xiaomi", r"yahoo", r"yelp", r"yoda",
    r"youtube", r"zhihu",
)  # fmt: skip

# Letters of other alphabets, scales with numbers, weapons and other things that a caption cannot say.
_BROKEN = (
    r"^chat$", r"^pistol$", r"beaufort", r"cannabis\w*", r"celsius", r"cigarettes?-?\w*", r"circledideograph\w*",
    r"cjkunified\w*", r"code-(?:green|orange|red|yellow)", r"condom\w*", r"drugs?", r"fahrenheit", r"guapimao",
    r"gun", r"hair-component", r"laboratory-sperm", r"marijuana", r"middle-finger", r"middlefinger", r"nazi",
    r"not-available", r"noto-blank", r"porn\w*", r"pregnancy-sperm", r"pressure-(?:low|high)",
    r"regional-indicator\w*", r"regionalindicator\w*", r"rifle", r"sexshop", r"suicide", r"swastika", r"tampon",
    r"time-(?:late|morning|afternoon|evening|night)\S*", r"uv-index", r"weed",
)  # fmt: skip

BRANDS = re.compile(rf"\b(?:{'|'.join(_BRANDS)})\b")
BROKEN = re.compile(rf"\b(?:{'|'.join(_BROKEN)})\b")

# Single drawings that are a trade mark under an everyday name, or are not what their name says.
NOT_USED = frozenset(
    f"streamline-{name}"
    for name in (
        "color:apple", "color:apple-flat", "sharp-color:apple", "sharp-color:apple-flat", "flex-color:apple",
        "flex-color:apple-flat", "plump-color:bell", "plump-color:bell-flat", "flex-color:bell", "flex-color:bell-flat",
    )
)  # fmt: skip
