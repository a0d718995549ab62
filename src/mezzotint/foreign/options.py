"""What options of drawing in diffusers, AUTOMATIC1111, ComfyUI and InvokeAI are called here.

Nothing is drawn with such a name: it is refused, and the sentence says what to write instead.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OPTIONS"]

_SIZE, _SEED = "size, as (width, height)", "seed, a whole number"
OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "num_inference_steps": "steps",
        "num_steps": "steps",
        "sampling_steps": "steps",
        "guidance_scale": "guidance",
        "cfg": "guidance",
        "cfg_scale": "guidance",
        "guidance_rescale": 'guidance_methods, such as ["rescale"]',
        "negative_prompt": "negative",
        "prompt_2": "prompt; every text encoder reads it",
        "num_images_per_prompt": "n",
        "num_images": "n",
        "batch_size": "n",
        "batch_count": "n",
        "n_iter": "n",
        "height": _SIZE,
        "width": _SIZE,
        "generator": _SEED,
        "noise_seed": _SEED,
        "sampler": "solver",
        "sampler_name": "solver",
        "sampler_index": "solver",
        "scheduler": "solver, and grid for its times",
        "timesteps": "grid, such as (1, 0.7, 0.4, 0)",
        "denoise": "strength",
        "denoising_strength": "strength",
        "init_image": "image",
        "init_images": "image",
        "mask_image": "mask",
        "mask_blur": "feather",
        "padding_mask_crop": "crop_to_mask, and crop_padding",
        "subseed_strength": "vary, such as [(0.2, seed)]",
        "ip_adapter_image": "image_ref, or style_ref",
        "control_image": "structure_ref",
        "controlnet_conditioning_scale": "structure_weight",
        "enable_hr": "hires",
        "loras": "lora, such as [(name, strength)]",
        "tiling": "tile",
    }
)
"""Their name, and what is said of ours."""
