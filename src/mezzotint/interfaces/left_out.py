"""Why settings of other programs are not in a request of ours: plain data, by the names that they give them."""

import re

__all__ = ["OFF", "reason"]

OFF: frozenset[str | tuple[str, str]] = frozenset(
    {
        *("", "false", "none", "null", "off", "[]", "{}"),
        *(("clip skip", "1"), ("clip_skip", "0"), ("stop_at_clip_layer", "-1"), ("uncond_scale", "1")),
        *(("threshold", "0"), ("perlin", "0"), ("n_samples", "1"), ("seamless", "0"), ("controlnet_strength", "1")),
        *(("generation_mode", "txt2img"), ("type", "txt2img"), ("denoise", "1"), ("emphasis", "Original")),
    }
)
"""Values that say nothing was asked for: of every setting, or (setting, value)."""

_REASONS = (
    (r"software|source|title|.*version|created date|app_version|request_type|civitai metadata|signed_hash|workflow.*",
     "it says where the picture comes from, and changes no pixel"),
    (r".*hash(es)?", "it names a file that is not here"),
    (r"clip[ _]skip|stop_at_clip_layer|emphasis|ucpreset|quality_toggle",
     "prompts are read by another text encoder, in the way that it was trained with"),
    (r".*vae.*", "the model here draws pixels and needs no VAE"),
    (r"lora.*|civitai resources|embeddings?|.*hypernet.*", "it was made for another network"),
    (r"hires.*|hrf.*|.*upscal.*", "a second pass over the enlarged picture is --hires here, and needs a --size"),
    (r".*control.*|ip.?adapter.*|t2i.?adapters?|reference.*|director_reference.*",
     "the picture that it refers to is not in the file; --structure-ref, --image-ref and --style-ref take one"),
    (r"init.*|.*mask.*|.*inpaint.*|.*infill.*", "the picture that was drawn over is not in the file"),
    (r"adetailer.*|face restoration|facetool.*|.*detailer.*", "edit --fix-detail finds faulty parts and redraws them"),
    (r"ensd|eta noise seed delta|seed resize.*|rng|rand_device|extra_noise_seed", "the noise of a seed is other noise"),
    (r"refiner.*|positive_style_prompt|negative_style_prompt|.*aesthetic_score", "one model draws, with one prompt"),
    (r"further_.*", "one prompt is taken; how the graph puts the others to it is not read: AND joins prompts"),
    (r"nodes", "what nodes of these classes do is not read"),
    (r"no_prompt", "give it with the command"),
    (r"v4_.*|char.*", "prompts of single figures need places here: --region takes them"),
    (r"distilled.*", "the network here takes no such scale as an input"),
    (r"skip early cfg|ngms|skip_cfg_.*", "where guidance acts is told in t here: --guidance-interval"),
    (r"sm|sm_dyn|dynamic[ _]thresholding.*|.*mimic.*",
     "`mezzotint guidances` lists rules of that kind, and none is the same"),
)  # fmt: skip


def reason(key: str) -> str:
    """Why a setting of this name has no place in a request."""
    name = key.lower()
    return next((why for pattern, why in _REASONS if re.fullmatch(pattern, name)), "no option here means this")
