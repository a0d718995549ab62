"""What is added to a network that is already trained: low-rank factors of its linear layers (LoRA)."""

from mezzotint.adapters.adapter import Adapter
from mezzotint.adapters.lora import Factors, LoRA, fresh_factors, shared_copy
from mezzotint.adapters.merge import Merged

__all__ = ["Adapter", "Factors", "LoRA", "Merged", "fresh_factors", "shared_copy"]
