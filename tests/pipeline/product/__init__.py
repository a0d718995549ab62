"""The product test: every kind of choice with every other one, on tiny networks (`tests/pipeline/test_product.py`)."""
